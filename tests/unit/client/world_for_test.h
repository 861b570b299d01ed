#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/app.h"
#include "client/cli/world.h"
#include "countersign/mocks/mock_client.h"
#include "tests/unit/client/fake_environment.h"

namespace countersign::testing {

// A human who types `answer`, or nobody.
class FakeTerminal final : public cli::Terminal {
 public:
  absl::StatusOr<std::string> Ask(const std::string& question) override {
    questions.push_back(question);
    if (!answer.has_value()) return absl::UnavailableError("no terminal");
    return *answer;
  }
  std::optional<std::string> answer;
  std::vector<std::string> questions;
};

// Runs command lines against a mock of the client. Give expectations to `client` before each Run(), which
// uses it up.
class CommandLine {
 public:
  CommandLine() { Renew(); }

  int Run(const std::vector<std::string>& arguments) {
    out.str("");
    err.str("");
    cli::World world{.in = in,
                     .out = out,
                     .err = err,
                     .out_is_terminal = on_terminal,
                     .err_is_terminal = on_terminal,
                     .columns = columns,
                     .terminal = terminal,
                     .environment = environment,
                     .connect = [this](const ConnectOptions&) -> absl::StatusOr<std::unique_ptr<Client>> {
                       return std::move(owned_);
                     },
                     .variable = [this](const char* name) -> const char* {
                       const auto found = variables.find(name);
                       return found == variables.end() ? nullptr : found->second.c_str();
                     }};
    const int code = cli::RunCommandLine(arguments, world);
    Renew();
    return code;
  }

  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  bool on_terminal = false;
  size_t columns = 80;
  FakeTerminal terminal;
  FakeEnvironment environment;
  std::map<std::string, std::string> variables;
  ::testing::NiceMock<MockClient>* client = nullptr;

 private:
  void Renew() {
    owned_ = std::make_unique<::testing::NiceMock<MockClient>>();
    client = owned_.get();
  }
  std::unique_ptr<::testing::NiceMock<MockClient>> owned_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_
