#include "tests/support/test_ca.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/clock.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

void Check(bool good, const char* what) {
  if (!good) Fatal(absl::StrCat("OpenSSL: ", what));
}

template <typename Write>
std::string Pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  Check(write(bio.get()) == 1, "PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string PemOf(EVP_PKEY* key) {
  return Pem(
      [key](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string PemOf(X509* certificate) {
  return Pem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

void SetName(X509_NAME* name, std::string_view common_name) {
  Check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0) == 1,
        "name");
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  Check(extension != nullptr, value.c_str());
  Check(X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

void SetValidity(X509* certificate, const Validity& validity) {
  const absl::Time now = base::SystemClock().Now();
  const absl::Time end =
      validity.not_after == absl::InfiniteFuture() ? now + absl::Hours(24) : validity.not_after;
  const absl::Time start = validity.not_before == absl::InfinitePast() ? std::min(now, end) - absl::Hours(24)
                                                                       : validity.not_before;
  Check(ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(start)) != nullptr, "time");
  Check(ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(end)) != nullptr, "time");
}

bool IsAddress(const std::string& name) {
  unsigned char buffer[16];
  return inet_pton(AF_INET, name.c_str(), buffer) == 1 || inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

}  // namespace

Validity Expired() {
  return {.not_before = absl::InfinitePast(), .not_after = base::SystemClock().Now() - absl::Hours(1)};
}

TestCa::TestCa(std::string_view common_name) : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
  Check(key_ != nullptr && certificate_ != nullptr, "key");
  X509* certificate = certificate_.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  SetValidity(certificate, {});
  SetName(X509_get_subject_name(certificate), common_name);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key_.get());
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(certificate, certificate, NID_subject_key_identifier, "hash");
  Check(X509_sign(certificate, key_.get(), EVP_sha256()) > 0, "signature");
  pem_ = PemOf(certificate);
  path_ = directory_.Write("ca.pem", pem_);
}

Certificate TestCa::IssueServer(const std::vector<std::string>& names, Validity validity) {
  std::vector<std::string> entries;
  for (const std::string& name : names)
    entries.push_back(absl::StrCat(IsAddress(name) ? "IP:" : "DNS:", name));
  return Issue("server", absl::StrJoin(entries, ","), "serverAuth", validity, Powers());
}

Certificate TestCa::IssueClient(const std::vector<std::string>& uris, Validity validity) {
  std::vector<std::string> entries;
  for (const std::string& uri : uris) entries.push_back(absl::StrCat("URI:", uri));
  return Issue("client", absl::StrJoin(entries, ","), "clientAuth", validity, Powers());
}

Certificate TestCa::IssueClientWith(const Powers& powers, const std::string& uri) {
  return Issue("client", absl::StrCat("URI:", uri), "clientAuth", {}, powers);
}

Certificate TestCa::Issue(const std::string& common_name, const std::string& subject_alternative_names,
                          const char* extended_key_usage, const Validity& validity, const Powers& powers) {
  const int serial = next_serial_++;
  const std::unique_ptr<EVP_PKEY, Deleter> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Deleter> certificate(X509_new());
  Check(key != nullptr && certificate != nullptr, "key");
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  SetValidity(certificate.get(), validity);
  SetName(X509_get_subject_name(certificate.get()), common_name);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  X509_set_pubkey(certificate.get(), key.get());
  AddExtension(certificate.get(), certificate_.get(), NID_basic_constraints, powers.basic_constraints);
  AddExtension(certificate.get(), certificate_.get(), NID_key_usage, powers.key_usage);
  AddExtension(certificate.get(), certificate_.get(), NID_ext_key_usage, extended_key_usage);
  AddExtension(certificate.get(), certificate_.get(), NID_authority_key_identifier, "keyid");
  if (!subject_alternative_names.empty()) {
    AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, subject_alternative_names);
  }
  Check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "signature");

  Certificate issued;
  issued.certificate_pem = PemOf(certificate.get());
  issued.key_pem = PemOf(key.get());
  issued.certificate_path =
      directory_.Write(absl::StrCat(common_name, "-", serial, ".pem"), issued.certificate_pem);
  issued.key_path = directory_.Write(absl::StrCat(common_name, "-", serial, ".key"), issued.key_pem);
  chmod(issued.key_path.c_str(), 0600);
  return issued;
}

}  // namespace countersign::testing
