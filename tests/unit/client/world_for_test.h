#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

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
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  int Run(const std::vector<std::string>& arguments);

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
  void Renew();
  std::unique_ptr<::testing::NiceMock<MockClient>> owned_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_WORLD_FOR_TEST_H_
