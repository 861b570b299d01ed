#include "core/jws/signing_key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <utility>

#include "core/error/error.h"
#include "core/jws/openssl.h"

namespace countersign::jws {
namespace {

constexpr int kCoordinateBytes = 32;

absl::Status Refuse(std::string_view what) { return error::InvalidField("signing_key", what); }

// Without it OpenSSL would ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

bool IsP256(EVP_PKEY* key) {
  char group[64] = "";
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1 &&
         std::string_view(group) == SN_X9_62_prime256v1;
}

bool HalvesMatch(EVP_PKEY* key) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_check(context.get()) == 1;
}

// `number` as 32 big-endian bytes; empty on failure.
std::string Padded(const BIGNUM* number) {
  std::string bytes(kCoordinateBytes, '\0');
  if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), kCoordinateBytes) !=
      kCoordinateBytes) {
    return "";
  }
  return bytes;
}

std::string Coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return "";
  return Padded(Owned<BIGNUM>(number).get());
}

// OpenSSL signs in DER; JWS wants r and s side by side. Empty on failure.
std::string FromDer(std::string_view der) {
  const unsigned char* cursor = Bytes(der);
  const Owned<ECDSA_SIG> pair(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  if (pair == nullptr) return "";
  const std::string r = Padded(ECDSA_SIG_get0_r(pair.get()));
  const std::string s = Padded(ECDSA_SIG_get0_s(pair.get()));
  return r.empty() || s.empty() ? "" : r + s;
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<evp_pkey_st> key, PublicKey public_key)
    : key_(std::move(key)), public_key_(std::move(public_key)) {}

absl::StatusOr<SigningKey> SigningKey::FromKey(std::shared_ptr<evp_pkey_st> key) {
  if (!IsP256(key.get())) return Refuse("must be a key on the curve P-256 (prime256v1)");
  if (!HalvesMatch(key.get())) return Refuse("its public half is not that of its private half");
  auto public_key = PublicKey::FromCoordinates(Coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_X),
                                               Coordinate(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
  if (!public_key.ok()) return public_key.status();
  return SigningKey(std::move(key), *std::move(public_key));
}

absl::StatusOr<SigningKey> SigningKey::FromPem(std::string_view pem) {
  const ErrorScope errors;
  const Owned<BIO> reader = ReadFrom(pem);
  if (reader == nullptr) return Refuse("must be a PEM file that is not empty");
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) return Refuse("must be an unencrypted private key in PEM (PKCS #8 or SEC 1)");
  return FromKey(std::move(key));
}

absl::StatusOr<SigningKey> SigningKey::Generate() {
  const ErrorScope errors;
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return error::Make(v1::INTERNAL, "OpenSSL could not make a signing key");
  return FromKey(std::move(key));
}

std::string SigningKey::ToPem() const {
  const ErrorScope errors;
  const Owned<BIO> writer(BIO_new(BIO_s_mem()));
  if (writer == nullptr ||
      PEM_write_bio_PrivateKey(writer.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return "";
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(writer.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<std::string> SigningKey::SignBytes(std::string_view input) const {
  const ErrorScope errors;
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::string der(128, '\0');  // A P-256 signature has at most 72 bytes in DER.
  size_t size = der.size();
  if (context == nullptr ||
      EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_.get(), nullptr) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, Bytes(input),
                     input.size()) != 1) {
    return error::Make(v1::INTERNAL, "OpenSSL could not sign");
  }
  std::string signature = FromDer(std::string_view(der).substr(0, size));
  if (signature.empty()) return error::Make(v1::INTERNAL, "OpenSSL made a signature that it cannot read");
  return signature;
}

}  // namespace countersign::jws
