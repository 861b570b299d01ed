#ifndef COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_H_
#define COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/exec/child.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/signal_relay.h"
#include "client/cli/exec/terraform_directory.h"
#include "core/terraform/state_file.h"

namespace countersign::cli {

// A state as `terraform state pull` printed it. Not copyable: the state lives in the arena.
class PulledState {
 public:
  PulledState() : arena_(limits_) {}
  PulledState(const PulledState&) = delete;
  PulledState& operator=(const PulledState&) = delete;

  // Errors: PLAN_UNREADABLE, and those of `next_chunk`.
  absl::Status Read(const terraform::NextChunk& next_chunk);

  // Null when there is none.
  const terraform::StateFile* state() const { return state_.has_value() ? &*state_ : nullptr; }

 private:
  const terraform::Limits limits_;
  terraform::ValueArena arena_;
  std::optional<terraform::StateFile> state_;
};

// Terraform, or OpenTofu, in one directory with one environment. Every subcommand runs to its end, gets the
// signals meanwhile, and writes its messages to our standard error. Not thread-safe; borrows what it is
// given.
class Terraform {
 public:
  // `name` is its argv[0].
  Terraform(std::string name, const Program& program, std::map<std::string, std::string> environment,
            const TerraformDirectory& directory, SignalRelay& relay)
      : name_(std::move(name)),
        program_(program),
        environment_(std::move(environment)),
        directory_(directory),
        relay_(relay) {}

  // OK when it is of the version that made the plan, which alone may apply it.
  absl::Status CheckVersion(const std::string& planned) const;

  // What is in the backend now. At most 512 MiB.
  absl::StatusOr<std::unique_ptr<PulledState>> PullState() const;

  // Saves a fresh plan as `path`, which is absolute. What it would print of the plan is dropped: values are
  // in it that nobody marked, and of which only their names tell that they are secrets.
  absl::Status Plan(const std::string& path, const std::vector<std::string>& arguments) const;

  // What applies the saved plan `path`, which is absolute. Writes to our standard output.
  Command Apply(const std::string& path) const;

 private:
  Command Make(const std::vector<std::string>& arguments, int output) const;
  // OK when it ended with 0.
  absl::Status Run(const Command& command) const;

  const std::string name_;
  const Program& program_;
  const std::map<std::string, std::string> environment_;
  const TerraformDirectory& directory_;
  SignalRelay& relay_;
};

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_EXEC_TERRAFORM_H_
