#ifndef COUNTERSIGN_TESTS_SUPPORT_CONNECT_AS_H_
#define COUNTERSIGN_TESTS_SUPPORT_CONNECT_AS_H_

#include <memory>
#include <string_view>
#include <vector>

#include "core/text/text.h"
#include "countersign/client.h"
#include "countersign/connect.h"
#include "tests/support/broker_process.h"
#include "tests/support/status_matchers.h"

namespace countersign::testing {

// A client that uses all of `brokers`, which are of `site`, as spiffe://example.org/{kind}/{name}. Whoever
// includes this links countersign::client.
inline std::unique_ptr<Client> ConnectAs(BrokerSite& site, std::string_view kind, std::string_view name,
                                         const std::vector<const BrokerProcess*>& brokers) {
  const Certificate& certificate = site.Client(kind, name);
  ConnectOptions options;
  for (const BrokerProcess* broker : brokers) {
    options.server += text::Concat(options.server.empty() ? "ipv4:" : ",", broker->address());
  }
  options.ca_file = site.authority().path();
  options.certificate_file = certificate.certificate_path;
  options.key_file = certificate.key_path;
  options.server_name = "localhost";
  auto client = Connect(options);
  EXPECT_OK(client);
  return *std::move(client);
}

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_CONNECT_AS_H_
