#ifndef COUNTERSIGN_TESTS_SUPPORT_BROKER_PROCESS_H_
#define COUNTERSIGN_TESTS_SUPPORT_BROKER_PROCESS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"

namespace countersign::testing {

// What the brokers of one test share: a certificate authority, signing keys, the master key and the documents
// that the first of them applies. Not thread-safe.
class BrokerSite {
 public:
  // `program` is countersignd; `documents` are YAML.
  BrokerSite(std::string program, std::string_view documents);

  static std::string Uri(std::string_view kind, std::string_view name);
  // The certificate of spiffe://example.org/{kind}/{name}; always the same one.
  const Certificate& Client(std::string_view kind, std::string_view name);

  const std::string& program() const { return program_; }
  const TestCa& authority() const { return authority_; }
  const Certificate& server() const { return server_; }
  std::string key_directory() const { return keys_.path(); }
  const std::string& master_key_file() const { return master_key_file_; }
  const std::string& documents_file() const { return documents_file_; }

 private:
  const std::string program_;
  TestCa authority_;
  const Certificate server_;
  TemporaryDirectory keys_;
  TemporaryDirectory files_;
  const std::string master_key_file_;
  const std::string documents_file_;
  std::map<std::string, Certificate> clients_;
};

struct BrokerProcessOptions {
  std::string database_dsn = {};
  bool notifications = true;
  // Over the settings that it has otherwise, as on the command line: "--log.level=info".
  std::vector<std::string> settings = {};
};

// A real `countersignd serve`, on ports of 127.0.0.1 that stay the same however often it is killed and
// started. Ready when constructed. Every failure to become ready ends the test process, with the broker's
// log. Kill() and Start() exclude each other; otherwise thread-safe. Borrows the site.
class BrokerProcess {
 public:
  BrokerProcess(const BrokerSite& site, BrokerProcessOptions options);
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  int grpc_port() const { return grpc_port_; }
  int http_port() const { return http_port_; }
  std::string address() const;
  pid_t pid() const { return process_->pid(); }

  void Kill();       // As kill -9.
  Exit Terminate();  // SIGTERM, and waits for the end.
  void Launch();     // Starts it without waiting until it is ready.
  bool WaitUntilReady(absl::Duration patience);
  void Start() {
    Launch();
    AwaitReady();
  }
  bool Ready() const;
  // The value of a metric without labels, from /metrics; -1 when it cannot be read.
  double Metric(const std::string& name) const;
  // What all its lives have logged.
  std::string Log() const;

 private:
  void AwaitReady();

  const BrokerSite& site_;
  const int grpc_port_;
  const int http_port_;
  TemporaryDirectory directory_;
  std::string config_file_;
  const std::vector<std::string> settings_;
  std::string log_file_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_BROKER_PROCESS_H_
