#include "server/app/key_material.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error/error.h"
#include "server/app/files.h"
#include "server/base/clock.h"
#include "server/storage/sealing.h"
#include "server/token/key_ring.h"

namespace countersign::app {

namespace {

struct Deleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

Owned<BIO> Reader(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key is refused, not asked for at a terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<std::string> ReadSetting(const std::string& file, const std::string& setting) {
  if (file.empty()) return error::InvalidField(setting, "must be set");
  auto text = ReadFile(file);
  if (!text.ok()) return error::InvalidField(setting, std::string(text.status().message()));
  return text;
}

Owned<X509> FirstCertificate(const std::string& text) {
  Owned<X509> certificate(PEM_read_bio_X509(Reader(text).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

// The keys without their ids, oldest first.
std::vector<std::string> KeysOf(std::string_view master_key_text) {
  std::vector<std::string> keys;
  for (const auto& line : absl::StrSplit(std::string(master_key_text), '\n')) {
    const std::string entry(absl::StripAsciiWhitespace(line));
    if (entry.empty() || entry.front() == '#') continue;
    // The text between id and key may be any white space; the key alone must decide.
    const std::vector<std::string> words = absl::StrSplit(entry, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() >= 2) keys.push_back(words[1]);
  }
  return keys;
}

absl::StatusOr<std::string> Derive(std::string_view secret, std::string_view purpose) {
  std::string key(32, '\0');
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
           reinterpret_cast<unsigned char*>(key.data()), &size) == nullptr) {
    return absl::InternalError("cannot derive a key");
  }
  return key;
}

}  // namespace

absl::Status CheckTlsFiles(const std::string& certificate_file, const std::string& key_file,
                           std::string_view section) {
  const std::string certificate_setting = std::string(section) + ".certificate_file";
  const std::string key_setting = std::string(section) + ".key_file";
  const auto certificate_text = ReadSetting(certificate_file, certificate_setting);
  if (!certificate_text.ok()) return certificate_text.status();
  const auto key_text = ReadSetting(key_file, key_setting);
  if (!key_text.ok()) return key_text.status();

  const Owned<X509> certificate = FirstCertificate(*certificate_text);
  if (certificate == nullptr) {
    return error::InvalidField(certificate_setting, certificate_file + " holds no certificate in PEM");
  }
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Reader(*key_text).get(), nullptr, NoPassphrase, nullptr));
  const bool matches = key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) {
    return error::InvalidField(key_setting, key_file + " holds no unencrypted private key in PEM");
  }
  if (!matches) return error::InvalidField(key_setting, key_file + " is not the key of " + certificate_file);
  return absl::OkStatus();
}

absl::Status CheckAuthorities(const std::string& file, std::string_view setting) {
  const auto text = ReadSetting(file, std::string(setting));
  if (!text.ok()) return text.status();
  if (FirstCertificate(*text) == nullptr)
    return error::InvalidField(setting, file + " holds no certificate in PEM");
  return absl::OkStatus();
}

absl::Status CheckSigningKeys(const std::string& directory) {
  token::KeyRing keys(directory);
  absl::Status status = keys.Reload();
  if (status.ok()) status = keys.ActiveKey(base::SystemClock().Now()).status();
  if (status.ok()) return status;
  return error::InvalidField("token.signing_key_directory", std::string(status.message()));
}

absl::Status CheckMasterKeys(const std::string& file) {
  const auto text = ReadSetting(file, "artifact.master_key_file");
  if (!text.ok()) return text.status();
  const auto keys = storage::MasterKeys::Parse(*text);
  if (keys.ok()) return absl::OkStatus();
  return error::InvalidField("artifact.master_key_file",
                             absl::StrCat(file, ": ", std::string(keys.status().message())));
}

absl::StatusOr<std::string> PageTokenKey(std::string_view master_key_text) {
  const std::vector<std::string> keys = KeysOf(master_key_text);
  if (keys.empty()) return absl::InvalidArgumentError("there is no master key");
  return Derive(keys.front(), "countersign page tokens v1");
}

absl::StatusOr<std::string> PlanViewSalt(std::string_view master_key_text) {
  const std::vector<std::string> keys = KeysOf(master_key_text);
  if (keys.empty()) return absl::InvalidArgumentError("there is no master key");
  return Derive(keys.front(), "countersign plan views v1");
}

}  // namespace countersign::app
