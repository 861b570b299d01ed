#ifndef COUNTERSIGN_TESTS_INTEGRATION_CONNECT_AS_H_
#define COUNTERSIGN_TESTS_INTEGRATION_CONNECT_AS_H_

#include <memory>
#include <string>
#include <vector>

#include "core/text/text.h"
#include "countersign/client.h"
#include "countersign/connect.h"
#include "tests/support/broker_process.h"
#include "tests/support/status_matchers.h"

namespace countersign::testing {

// A client with this certificate that uses all of `brokers`, whose certificates the file `ca_file` vouches
// for.
inline std::unique_ptr<Client> ConnectAs(const Certificate& certificate, const std::string& ca_file,
                                         const std::vector<const BrokerProcess*>& brokers) {
  ConnectOptions options;
  for (const BrokerProcess* broker : brokers) {
    options.server += text::Concat(options.server.empty() ? "ipv4:" : ",", broker->address());
  }
  options.ca_file = ca_file;
  options.certificate_file = certificate.certificate_path;
  options.key_file = certificate.key_path;
  options.server_name = "localhost";
  auto client = Connect(options);
  EXPECT_OK(client);
  return *std::move(client);
}

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_INTEGRATION_CONNECT_AS_H_
