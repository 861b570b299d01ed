#include "server/rpc/peer.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <utility>
#include <vector>

#include "core/error/error.h"
#include "core/jws/certificate.h"
#include "core/policy/principal.h"

namespace countersign::rpc {
namespace {

struct OpensslDeleter {
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};

// What a failed call leaves in the thread's queue would be taken for the failure of the next TLS read on it.
class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ~ErrorScope() { ERR_pop_to_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

absl::Status Unknown(std::string_view why) { return error::Make(v1::PRINCIPAL_UNKNOWN, why); }

std::vector<std::string> UriNames(const X509* certificate) {
  std::vector<std::string> uris;
  const std::unique_ptr<GENERAL_NAMES, OpensslDeleter> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

// The X.509-SVID rules for leaves: no CA, no signing of certificates or revocation lists. Extensions that
// cannot be read count as if they said so.
bool MaySignOthers(X509* certificate) {
  const uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & (EXFLAG_CA | EXFLAG_INVALID)) != 0) return true;
  return (flags & EXFLAG_KUSAGE) != 0 &&
         (X509_get_key_usage(certificate) & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0;
}

}  // namespace

absl::StatusOr<Peer> ReadPeer(std::string_view certificate_pem) {
  const ErrorScope scope;
  const std::unique_ptr<BIO, OpensslDeleter> reader(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const std::unique_ptr<X509, OpensslDeleter> certificate(
      reader == nullptr ? nullptr : PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return Unknown("the client certificate cannot be read");

  const std::vector<std::string> uris = UriNames(certificate.get());
  if (uris.size() != 1) {
    return Unknown("the client certificate must have exactly one URI among its subject alternative names");
  }
  if (MaySignOthers(certificate.get())) {
    return Unknown("the client certificate is an authority's, which may sign others; connect with a leaf");
  }
  const auto id = policy::ParsePrincipalId(uris.front());
  if (!id.ok()) {
    return Unknown("the URI in the client certificate is not spiffe://{trust domain}/{kind}/{name}");
  }
  auto thumbprint = jws::CertificateThumbprint(certificate_pem);
  if (!thumbprint.ok()) return Unknown("the client certificate cannot be read");
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return Unknown("the client certificate has no readable end of validity");
  }
  Peer peer;
  peer.caller.principal = uris.front();
  peer.caller.kind = id->kind;
  peer.caller.certificate_thumbprint = *std::move(thumbprint);
  peer.not_after = absl::FromTM(end, absl::UTCTimeZone());
  return peer;
}

absl::StatusOr<std::shared_ptr<const Peer>> PeerCache::Find(std::string_view certificate_pem) {
  {
    base::MutexLock lock(&mutex_);
    const auto found = index_.find(certificate_pem);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->peer;
    }
  }
  absl::StatusOr<Peer> read = ReadPeer(certificate_pem);
  if (!read.ok()) return read.status();
  auto peer = std::make_shared<const Peer>(*std::move(read));
  base::MutexLock lock(&mutex_);
  if (index_.contains(certificate_pem)) return peer;  // Another thread was faster.
  entries_.push_front({std::string(certificate_pem), peer});
  index_.emplace(entries_.front().pem, entries_.begin());
  if (entries_.size() > capacity_) {
    index_.erase(entries_.back().pem);
    entries_.pop_back();
  }
  return peer;
}

}  // namespace countersign::rpc
