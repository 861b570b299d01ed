#include "server/storage/sealing.h"

#include <openssl/evp.h>

#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::storage {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 12;  // NIST SP 800-38D, 8.2.2: random, and each data key encrypts once.
constexpr size_t kTagBytes = 16;

struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
int Size(std::string_view text) { return static_cast<int>(text.size()); }

// Nonce, ciphertext and tag in a row.
absl::StatusOr<std::string> Encrypt(std::string_view key, base::RandomSource& random,
                                    std::string_view associated, std::string_view plain) {
  const std::string nonce = random.Bytes(kNonceBytes);
  std::string cipher(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &written, Bytes(associated), Size(associated)) == 1 &&
      EVP_EncryptUpdate(context.get(), Bytes(cipher), &written, Bytes(plain), Size(plain)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), Bytes(tag), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  if (!ok) return error::Make(v1::INTERNAL, "encryption failed");
  return text::Concat(nonce, cipher, tag);
}

absl::StatusOr<std::string> Decrypt(std::string_view key, std::string_view associated,
                                    std::string_view sealed) {
  const auto corrupted = [] {
    return error::Make(v1::DATA_CORRUPTED, "a stored artifact was changed or damaged");
  };
  if (sealed.size() < kNonceBytes + kTagBytes) return corrupted();
  const std::string_view nonce = sealed.substr(0, kNonceBytes);
  const std::string_view cipher = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(cipher.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &written, Bytes(associated), Size(associated)) == 1 &&
      EVP_DecryptUpdate(context.get(), Bytes(plain), &written, Bytes(cipher), Size(cipher)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), Bytes(tag), &written) == 1;
  if (!ok) return corrupted();
  return plain;
}

std::string Associated(std::string_view purpose, std::string_view digest, std::string_view key_id) {
  return text::Concat("countersign.v1.", purpose, "\n", digest, "\n", key_id);
}

}  // namespace

absl::StatusOr<MasterKeys> MasterKeys::Parse(std::string_view text) {
  MasterKeys keys;
  int number = 0;
  for (const std::string_view line : text::Split(text, '\n')) {
    ++number;
    const std::string_view stripped = text::Strip(line);
    if (stripped.empty() || stripped[0] == '#') continue;
    const auto refused = [&](std::string_view what) {
      return error::InvalidField("artifact.master_key_file", text::Concat("line ", number, ": ", what));
    };
    const std::vector<std::string_view> words = text::Split(stripped, ' ');
    std::string key;
    if (words.size() != 2 || !absl::Base64Unescape(text::ToAbsl(words[1]), &key) || key.size() != kKeyBytes) {
      return refused("must be an id, a space, and the base64 of 32 bytes");
    }
    if (words[0].size() > 64) return refused("the id is longer than 64 bytes");
    if (!keys.keys_.try_emplace(std::string(words[0]), std::move(key)).second)
      return refused("this id is there twice");
    keys.active_id_ = std::string(words[0]);
  }
  if (keys.keys_.empty()) return error::InvalidField("artifact.master_key_file", "holds no key");
  return keys;
}

absl::StatusOr<SealedArtifact> Seal(const MasterKeys& keys, base::RandomSource& random,
                                    std::string_view digest, std::string_view bytes) {
  SealedArtifact sealed;
  sealed.digest = std::string(digest);
  sealed.size_bytes = static_cast<int64_t>(bytes.size());
  sealed.key_id = keys.active_id_;
  const std::string data_key = random.Bytes(kKeyBytes);
  auto wrapped = Encrypt(keys.keys_.at(keys.active_id_), random,
                         Associated("artifact-key", digest, sealed.key_id), data_key);
  if (!wrapped.ok()) return wrapped.status();
  auto cipher = Encrypt(data_key, random, Associated("artifact", digest, sealed.key_id), bytes);
  if (!cipher.ok()) return cipher.status();
  sealed.wrapped_key = *std::move(wrapped);
  sealed.ciphertext = *std::move(cipher);
  return sealed;
}

absl::StatusOr<std::string> Open(const MasterKeys& keys, const SealedArtifact& sealed) {
  const auto master = keys.keys_.find(sealed.key_id);
  if (master == keys.keys_.end()) {
    return error::Make(v1::DATA_CORRUPTED,
                       text::Concat("the artifact is encrypted under master key \"", sealed.key_id,
                                    "\", which this broker was not given"));
  }
  const auto data_key =
      Decrypt(master->second, Associated("artifact-key", sealed.digest, sealed.key_id), sealed.wrapped_key);
  if (!data_key.ok()) return data_key.status();
  auto plain = Decrypt(*data_key, Associated("artifact", sealed.digest, sealed.key_id), sealed.ciphertext);
  if (!plain.ok()) return plain.status();
  if (digest::Sha256(*plain) != sealed.digest) {
    return error::Make(v1::DATA_CORRUPTED, "a stored artifact does not have its digest");
  }
  return plain;
}

absl::Status CheckHolds(const MasterKeys& keys, std::string_view file, const SealedArtifact& sealed) {
  const auto refused = [](std::string_view why) {
    return error::InvalidField("artifact.master_key_file", why);
  };
  const auto master = keys.keys_.find(sealed.key_id);
  if (master == keys.keys_.end()) {
    return refused(text::Concat("artifacts were sealed with key \"", sealed.key_id, "\", which ", file,
                                " does not have"));
  }
  const auto data_key =
      Decrypt(master->second, Associated("artifact-key", sealed.digest, sealed.key_id), sealed.wrapped_key);
  if (data_key.ok()) return absl::OkStatus();
  return refused(text::Concat("key \"", sealed.key_id, "\" in ", file,
                              " is not the one that artifacts were sealed with"));
}

}  // namespace countersign::storage
