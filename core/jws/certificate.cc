#include "core/jws/certificate.h"

#include <openssl/pem.h>

#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/jws/openssl.h"

namespace countersign::jws {
namespace {

// Without it OpenSSL would ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<std::string> CertificateThumbprint(std::string_view pem) {
  const ErrorScope errors;
  const Owned<BIO> reader = ReadFrom(pem);
  const Owned<X509> certificate(
      reader == nullptr ? nullptr : PEM_read_bio_X509(reader.get(), nullptr, NoPassphrase, nullptr));
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  if (certificate == nullptr || X509_digest(certificate.get(), EVP_sha256(),
                                            reinterpret_cast<unsigned char*>(digest.data()), &size) != 1) {
    return error::InvalidField("certificate", "must be a certificate in PEM");
  }
  digest.resize(size);
  return Base64UrlEncode(digest);
}

}  // namespace countersign::jws
