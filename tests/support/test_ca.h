#ifndef COUNTERSIGN_TESTS_SUPPORT_TEST_CA_H_
#define COUNTERSIGN_TESTS_SUPPORT_TEST_CA_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/temporary_directory.h"

namespace countersign::testing {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
  std::string certificate_path;  // Files in the authority's directory, the key with mode 0600.
  std::string key_path;
};

// Valid from a day before to a day after the machine's time unless told otherwise.
struct Validity {
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
};
// Ended an hour ago.
Validity Expired();

// A certificate authority with P-256 keys. Two objects are two authorities that do not trust each other.
// Not thread-safe. Any failure ends the test process.
class TestCa {
 public:
  explicit TestCa(std::string_view common_name = "countersign test authority");

  const std::string& pem() const { return pem_; }
  const std::string& path() const { return path_; }
  std::string directory() const { return directory_.path(); }

  // For a server: each name is a DNS name or an IP address.
  Certificate IssueServer(const std::vector<std::string>& names = {"localhost", "127.0.0.1"},
                          Validity validity = {});
  // What a certificate says about itself beside its names.
  struct Powers {
    std::string basic_constraints = "critical,CA:FALSE";
    std::string key_usage = "critical,digitalSignature";
  };

  // For a client: URI SANs such as spiffe://example.org/agent/bot.
  Certificate IssueClient(const std::vector<std::string>& uris, Validity validity = {});
  // The same with other powers than a leaf has.
  Certificate IssueClientWith(const Powers& powers, const std::string& uri);
  Certificate IssueClient(std::string_view uri, Validity validity = {}) {
    return IssueClient(std::vector<std::string>{std::string(uri)}, validity);
  }

 private:
  struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };

  Certificate Issue(const std::string& common_name, const std::string& subject_alternative_names,
                    const char* extended_key_usage, const Validity& validity, const Powers& powers);

  TemporaryDirectory directory_;
  std::unique_ptr<EVP_PKEY, Deleter> key_;
  std::unique_ptr<X509, Deleter> certificate_;
  std::string pem_;
  std::string path_;
  int next_serial_ = 2;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_TEST_CA_H_
