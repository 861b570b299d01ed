#include "server/base/sealed_cursor.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "core/digest/digest.h"
#include "core/jws/base64url.h"
#include "core/text/text.h"

namespace countersign::base {
namespace {

constexpr size_t kTagBytes = 16;

std::string Tag(std::string_view key, std::string_view purpose, std::string_view bound_to,
                std::string_view cursor) {
  // The length in front keeps one pair from being read as another.
  const std::string message =
      text::Concat("countersign.v1.", purpose, "\n", bound_to.size(), "\n", bound_to, cursor);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size) == nullptr) {
    std::abort();  // It cannot fail on valid arguments, and an undefined tag must not be compared with.
  }
  return std::string(reinterpret_cast<const char*>(mac), kTagBytes);
}

}  // namespace

std::string SealCursor(std::string_view key, std::string_view purpose, std::string_view bound_to,
                       std::string_view cursor) {
  return jws::Base64UrlEncode(text::Concat(Tag(key, purpose, bound_to, cursor), cursor));
}

std::optional<std::string> OpenCursor(std::string_view key, std::string_view purpose,
                                      std::string_view bound_to, std::string_view token, size_t max_bytes) {
  if (token.size() > max_bytes) return std::nullopt;
  const auto bytes = jws::Base64UrlDecode(token);
  if (!bytes.ok() || bytes->size() < kTagBytes) return std::nullopt;
  std::string cursor = bytes->substr(kTagBytes);
  if (!digest::Equal(bytes->substr(0, kTagBytes), Tag(key, purpose, bound_to, cursor))) return std::nullopt;
  return cursor;
}

}  // namespace countersign::base
