#include "tests/unit/client/world_for_test.h"

#include <utility>

#include "client/cli/app.h"

namespace countersign::testing {

CommandLine::CommandLine() { Renew(); }

CommandLine::~CommandLine() = default;

int CommandLine::Run(const std::vector<std::string>& arguments) {
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

void CommandLine::Renew() {
  owned_ = std::make_unique<::testing::NiceMock<MockClient>>();
  client = owned_.get();
}

}  // namespace countersign::testing
