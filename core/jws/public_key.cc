#include "core/jws/public_key.h"

#include <openssl/core_names.h>

#include "absl/strings/str_cat.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/jws/openssl.h"

namespace countersign::jws {
namespace {

constexpr size_t kCoordinateBytes = 32;

absl::Status Refuse() { return error::InvalidField("key", "is not a point of the curve P-256"); }

Owned<EVP_PKEY> MakeKey(std::string_view x, std::string_view y) {
  const std::string point =
      std::string(1, 4).append(x).append(y);  // 4 announces both coordinates, uncompressed.
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1) {
    return nullptr;
  }
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

bool IsOnCurve(EVP_PKEY* key) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

// OpenSSL's DER form of r and s; empty on failure.
std::string ToDer(std::string_view signature) {
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  Owned<BIGNUM> r(BN_bin2bn(Bytes(signature), kCoordinateBytes, nullptr));
  Owned<BIGNUM> s(BN_bin2bn(Bytes(signature) + kCoordinateBytes, kCoordinateBytes, nullptr));
  if (pair == nullptr || r == nullptr || s == nullptr) return "";
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return "";
  static_cast<void>(r.release());  // The pair owns them now.
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

}  // namespace

absl::StatusOr<PublicKey> PublicKey::FromCoordinates(std::string_view x, std::string_view y) {
  const ErrorScope errors;
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes) return Refuse();
  Owned<EVP_PKEY> key = MakeKey(x, y);
  if (key == nullptr || !IsOnCurve(key.get())) return Refuse();
  PublicKey result;
  result.key_ = std::move(key);
  result.x_ = Base64UrlEncode(x);
  result.y_ = Base64UrlEncode(y);
  // RFC 7638: the required members only, in this order, without white space.
  result.key_id_ = Base64UrlEncode(digest::Sha256Bytes(
      absl::StrCat(R"({"crv":"P-256","kty":"EC","x":")", result.x_, R"(","y":")", result.y_, R"("})")));
  return result;
}

bool PublicKey::Verifies(std::string_view input, std::string_view signature) const {
  const ErrorScope errors;
  if (signature.size() != 2 * kCoordinateBytes) return false;
  const std::string der = ToDer(signature);
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (der.empty() || context == nullptr ||
      EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr) != 1) {
    return false;
  }
  return EVP_DigestVerify(context.get(), Bytes(der), der.size(), Bytes(input), input.size()) == 1;
}

}  // namespace countersign::jws
