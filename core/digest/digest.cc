#include "core/digest/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/escaping.h"

namespace countersign::digest {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kDigestBytes = 32;

// SHA-256 cannot fail on valid arguments; an OpenSSL without it can do nothing that we need.
void Require(bool done) {
  if (!done) std::abort();
}

// Fetched once and kept for the life of the process, because a fetch costs more than a short hash.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Require(algorithm != nullptr);
  return algorithm;
}

std::string Spell(const std::string& raw) { return std::string(kPrefix) + absl::BytesToHexString(raw); }

}  // namespace

struct Sha256Hasher::Context {
  Context() : evp(EVP_MD_CTX_new()) {
    Require(evp != nullptr && EVP_DigestInit_ex2(evp, Algorithm(), nullptr) == 1);
  }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* const evp;
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

void Sha256Hasher::Update(std::string_view bytes) {
  Require(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Sha256Hasher::Finish() {
  std::string raw(kDigestBytes, '\0');
  Require(EVP_DigestFinal_ex(context_->evp, reinterpret_cast<unsigned char*>(raw.data()), nullptr) == 1);
  Require(EVP_DigestInit_ex2(context_->evp, Algorithm(), nullptr) == 1);
  return Spell(raw);
}

std::string Sha256Bytes(std::string_view bytes) {
  std::string raw(kDigestBytes, '\0');
  Require(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(raw.data()), nullptr,
                     Algorithm(), nullptr) == 1);
  return raw;
}

std::string Sha256(std::string_view bytes) { return Spell(Sha256Bytes(bytes)); }

bool IsSha256(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 2 * kDigestBytes) return false;
  text.remove_prefix(kPrefix.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool Equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace countersign::digest
