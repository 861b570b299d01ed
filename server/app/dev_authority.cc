#include "server/app/dev_authority.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"
#include "server/app/files.h"

namespace countersign::app {

namespace {

constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 3650);
constexpr absl::Duration kLeafLifetime = absl::Hours(24 * 365);
constexpr absl::Duration kRenewBefore = absl::Hours(24 * 7);

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using OwnedBio = std::unique_ptr<BIO, BioDeleter>;

absl::Status Failed(std::string_view what) {
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("OpenSSL cannot ", std::string(what)));
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

OwnedBio Reader(const std::string& text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool AddExtension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool SetSerial(X509* certificate, base::RandomSource& random) {
  std::string bytes = random.Bytes(16);
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);  // Positive, and always of the same length.
  BIGNUM* number = BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr);
  const bool set =
      number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool SetName(X509* certificate, const std::string& common_name) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

}  // namespace

void DevAuthority::Deleter::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
void DevAuthority::Deleter::operator()(X509* certificate) const { X509_free(certificate); }

DevAuthority::DevAuthority(std::string directory, absl::Time now, base::RandomSource* random)
    : directory_(std::move(directory)), now_(now), random_(random) {}
DevAuthority::DevAuthority(DevAuthority&&) noexcept = default;
DevAuthority::~DevAuthority() = default;

absl::StatusOr<DevAuthority> DevAuthority::Open(const std::string& directory, absl::Time now,
                                                base::RandomSource* random) {
  DevAuthority authority(directory, now, random);
  if (authority.Load()) return authority;
  if (auto status = authority.Make(); !status.ok()) return status;
  return authority;
}

bool DevAuthority::Load() {
  const auto certificate = ReadFile(directory_ + "/ca.pem");
  const auto key = ReadFile(directory_ + "/ca.key");
  if (!certificate.ok() || !key.ok()) return false;
  certificate_.reset(PEM_read_bio_X509(Reader(*certificate).get(), nullptr, nullptr, nullptr));
  key_.reset(PEM_read_bio_PrivateKey(Reader(*key).get(), nullptr, nullptr, nullptr));
  const bool good = certificate_ != nullptr && key_ != nullptr &&
                    X509_check_private_key(certificate_.get(), key_.get()) == 1;
  ERR_clear_error();
  return good;
}

absl::Status DevAuthority::Make() {
  certificate_ = nullptr;
  key_.reset(EVP_EC_gen("P-256"));
  if (key_ == nullptr) return Failed("make a key");
  auto certificate = Sign(key_.get(), "countersign dev authority", kAuthorityLifetime,
                          {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}});
  if (!certificate.ok()) return certificate.status();
  certificate_ = *std::move(certificate);
  const std::string path = directory_ + "/ca";
  return Write(path, key_.get(), certificate_.get());
}

absl::Status DevAuthority::IssueServer(const std::string& stem, const std::string& alternative_name) {
  return Issue(stem, alternative_name, "serverAuth");
}

absl::Status DevAuthority::IssueClient(const std::string& stem, const std::string& alternative_name) {
  return Issue(stem, alternative_name, "clientAuth");
}

absl::Status DevAuthority::Issue(const std::string& stem, const std::string& alternative_name,
                                 const std::string& usage) {
  if (IsGood(stem)) return absl::OkStatus();
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("make a key");
  const auto certificate = Sign(key.get(), stem.substr(stem.rfind('/') + 1), kLeafLifetime,
                                {{NID_basic_constraints, "critical,CA:FALSE"},
                                 {NID_key_usage, "critical,digitalSignature"},
                                 {NID_ext_key_usage, usage},
                                 {NID_subject_alt_name, alternative_name},
                                 {NID_authority_key_identifier, "keyid:always"}});
  if (!certificate.ok()) return certificate.status();
  return Write(stem, key.get(), certificate->get());
}

bool DevAuthority::IsGood(const std::string& stem) const {
  const auto text = ReadFile(stem + ".pem");
  if (!text.ok() || !Exists(stem + ".key")) return false;
  const Owned<X509> certificate(PEM_read_bio_X509(Reader(*text).get(), nullptr, nullptr, nullptr));
  const time_t soon = absl::ToTimeT(now_ + kRenewBefore);
  const bool good = certificate != nullptr && X509_verify(certificate.get(), key_.get()) == 1 &&
                    X509_cmp_time(X509_get0_notAfter(certificate.get()), const_cast<time_t*>(&soon)) > 0;
  ERR_clear_error();
  return good;
}

absl::StatusOr<DevAuthority::Owned<X509>> DevAuthority::Sign(EVP_PKEY* key, const std::string& common_name,
                                                             absl::Duration lifetime,
                                                             const std::vector<Extension>& extensions) const {
  Owned<X509> certificate(X509_new());
  X509* issuer = certificate_ != nullptr ? certificate_.get() : certificate.get();
  // An hour back, for clocks that are not quite together.
  const time_t from = absl::ToTimeT(now_ - absl::Hours(1));
  const time_t until = absl::ToTimeT(now_ + lifetime);
  bool good = certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
              SetSerial(certificate.get(), *random_) &&
              ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until) != nullptr &&
              SetName(certificate.get(), common_name) &&
              X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)) == 1 &&
              X509_set_pubkey(certificate.get(), key) == 1;
  for (const Extension& extension : extensions) {
    good = good && AddExtension(certificate.get(), issuer, extension.id, extension.value);
  }
  if (!good || X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0)
    return Failed("sign a certificate");
  return certificate;
}

absl::Status DevAuthority::Write(const std::string& stem, EVP_PKEY* key, X509* certificate) {
  const OwnedBio key_text(BIO_new(BIO_s_secmem()));
  const OwnedBio certificate_text(BIO_new(BIO_s_mem()));
  if (key_text == nullptr || certificate_text == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), certificate) != 1) {
    return Failed("write a certificate");
  }
  if (auto status = WriteFile(stem + ".key", Contents(key_text.get()), 0600); !status.ok()) return status;
  return WriteFile(stem + ".pem", Contents(certificate_text.get()), 0644);
}

}  // namespace countersign::app
