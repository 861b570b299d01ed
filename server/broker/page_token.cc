#include "server/broker/page_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/text/text.h"

namespace countersign::broker {
namespace {

constexpr size_t kTagBytes = 16;
constexpr size_t kMaxTokenBytes = 1024;

std::string Tag(std::string_view key, std::string_view bound_to, std::string_view cursor) {
  // The length in front keeps one pair from being read as another.
  const std::string message = text::Concat("countersign.v1.page\n", bound_to.size(), "\n", bound_to, cursor);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, &size);
  return std::string(reinterpret_cast<const char*>(mac), kTagBytes);
}

}  // namespace

std::string SealPageToken(std::string_view key, std::string_view bound_to, std::string_view cursor) {
  return jws::Base64UrlEncode(text::Concat(Tag(key, bound_to, cursor), cursor));
}

absl::StatusOr<std::string> OpenPageToken(std::string_view key, std::string_view bound_to,
                                          std::string_view token) {
  const auto refused = [] {
    return error::InvalidField("page_token", "is not one of this list; repeat the first request without it");
  };
  if (token.size() > kMaxTokenBytes) return refused();
  const auto bytes = jws::Base64UrlDecode(token);
  if (!bytes.ok() || bytes->size() < kTagBytes) return refused();
  const std::string cursor = bytes->substr(kTagBytes);
  if (!digest::Equal(bytes->substr(0, kTagBytes), Tag(key, bound_to, cursor))) return refused();
  return cursor;
}

}  // namespace countersign::broker
