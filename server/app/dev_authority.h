#ifndef COUNTERSIGN_SERVER_APP_DEV_AUTHORITY_H_
#define COUNTERSIGN_SERVER_APP_DEV_AUTHORITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/random.h"

typedef struct evp_pkey_st EVP_PKEY;
typedef struct x509_st X509;

namespace countersign::app {

// The certificate authority of `countersignd dev`: P-256 keys in files of a directory. For one machine and
// one person's trials; its key lies unencrypted beside what it signed. Not thread-safe.
class DevAuthority {
 public:
  // Reads `directory`/ca.pem and ca.key, or makes them.
  static absl::StatusOr<DevAuthority> Open(const std::string& directory, absl::Time now,
                                           base::RandomSource* random);
  DevAuthority(DevAuthority&&) noexcept;
  ~DevAuthority();

  std::string certificate_file() const { return directory_ + "/ca.pem"; }

  // Writes {stem}.pem and {stem}.key, unless they are there, are of this authority and are good for another
  // week. `alternative_name` is as OpenSSL writes it, for example "DNS:localhost,IP:127.0.0.1" or
  // "URI:spiffe://...".
  absl::Status IssueServer(const std::string& stem, const std::string& alternative_name);
  absl::Status IssueClient(const std::string& stem, const std::string& alternative_name);

 private:
  struct Deleter {
    void operator()(EVP_PKEY* key) const;
    void operator()(X509* certificate) const;
  };
  template <typename T>
  using Owned = std::unique_ptr<T, Deleter>;
  struct Extension {
    int id;
    std::string value;
  };

  DevAuthority(std::string directory, absl::Time now, base::RandomSource* random);

  bool Load();
  absl::Status Make();
  absl::Status Issue(const std::string& stem, const std::string& alternative_name, const std::string& usage);
  bool IsGood(const std::string& stem) const;
  // Signed by this authority, or by `key` itself while there is none.
  absl::StatusOr<Owned<X509>> Sign(EVP_PKEY* key, const std::string& common_name, absl::Duration lifetime,
                                   const std::vector<Extension>& extensions) const;
  static absl::Status Write(const std::string& stem, EVP_PKEY* key, X509* certificate);

  std::string directory_;
  absl::Time now_;
  base::RandomSource* random_;
  Owned<EVP_PKEY> key_;
  Owned<X509> certificate_;
};

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_DEV_AUTHORITY_H_
