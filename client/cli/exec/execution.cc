#include "client/cli/exec/execution.h"

#include <algorithm>
#include <utility>

#include "client/cli/exec/approved_files.h"
#include "client/cli/exec/child_environment.h"
#include "client/cli/exec/leftovers.h"
#include "client/cli/exec/plan_execution.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/report.h"
#include "client/cli/exec/turn.h"
#include "client/cli/exit_code.h"
#include "client/cli/terminal_text.h"
#include "client/cli/waiting.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "countersign/token.h"

namespace countersign::cli {
namespace {

absl::StatusOr<v1::Proposal> WaitUntilApproved(Session& session, const std::string& id,
                                               absl::Duration timeout, const std::stop_token& stop) {
  const auto name = session.ResolveName(id);
  if (!name.ok()) return name.status();
  auto proposal = WaitForDecision(session, *name, timeout, stop);
  if (!proposal.ok()) return proposal;
  if (proposal->name() != *name) return absl::InternalError("the broker answered with another proposal");
  if (proposal->state() != v1::Proposal::APPROVED) {
    return absl::FailedPreconditionError(
        text::Concat(*name, " is ", v1::Proposal::State_Name(proposal->state()), ", not APPROVED",
                     proposal->state_detail().empty() ? "" : ": ", proposal->state_detail()));
  }
  return proposal;
}

// Brings all of the approved files.
absl::StatusOr<PrivateDirectory> BringArtifacts(const ExecutionContext& context,
                                                const v1::Proposal& proposal) {
  auto directory = MakePrivateDirectory(context.session);
  if (!directory.ok()) return directory;
  for (const auto& artifact : proposal.action().artifacts()) {
    const auto status = BringArtifact(context, proposal, artifact, artifact.file_name(), &*directory);
    if (!status.ok()) return status;
  }
  return directory;
}

// What is about to run, as an action of our own making: from our arguments and the bytes on our disk.
absl::StatusOr<std::string> DigestOfWhatWillRun(const v1::Proposal& proposal,
                                                const std::vector<std::string>& argv,
                                                const PrivateDirectory& directory) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  action.set_target(proposal.action().target());
  for (const std::string& argument : argv) action.add_argv(argument);
  *action.mutable_environment() = proposal.action().environment();
  for (const auto& artifact : proposal.action().artifacts()) {
    const auto digest = directory.DigestOf(artifact.file_name());
    if (!digest.ok()) return digest.status();
    auto* reference = action.add_artifacts();
    reference->set_digest(*digest);
    reference->set_file_name(artifact.file_name());
  }
  return ComputeActionDigest(action);
}

// What argv[0] means: "./name" an approved artifact, anything else a program of this machine.
absl::StatusOr<Program> FindProgram(const v1::Action& action, const PrivateDirectory& directory,
                                    const std::string& path) {
  const std::string& name = action.argv(0);
  for (const auto& artifact : action.artifacts()) {
    if (name == "./" + artifact.file_name()) return OpenArtifact(directory, artifact.file_name());
  }
  return OpenProgram(name, path);
}

absl::StatusOr<int> ExecuteCommand(const ExecutionContext& context, const v1::Proposal& proposal,
                                   const ExecOptions& options) {
  Session& session = context.session;
  const v1::Action& action = proposal.action();
  if (options.replan || !options.directory.empty() || !options.terraform.empty()) {
    return UsageError("--chdir, --terraform and --replan are for saved plans, and this is a command");
  }
  if (const auto status = CheckCommand(session.command(), action); !status.ok()) return status;
  const std::string path = ProgramPathOf(options);
  auto environment = BuildEnvironment({action.environment().begin(), action.environment().end()},
                                      options.passed_variables, path, session.world().variable);
  if (!environment.ok()) return environment.status();
  const auto directory = BringArtifacts(context, proposal);
  if (!directory.ok()) return directory.status();
  environment->emplace("HOME", directory->path());
  const auto program = FindProgram(action, *directory, path);
  if (!program.ok()) return program.status();

  const std::vector<std::string> argv(action.argv().begin(), action.argv().end());
  const auto digest =
      DigestOfWhatWillRun(proposal, session.command().empty() ? argv : session.command(), *directory);
  if (!digest.ok()) return digest.status();
  const auto leave = TakeTurn(context, proposal, *digest, [] { return absl::OkStatus(); });
  if (!leave.ok()) return leave.status();
  return RunAndReport(
      context, *leave,
      {*program, argv, *environment, directory->descriptor(), /*output=*/-1, directory->descriptor()});
}

}  // namespace

absl::Status CheckCommand(const std::vector<std::string>& given, const v1::Action& approved) {
  if (approved.argv().empty()) return absl::FailedPreconditionError("what was approved has no command");
  if (given.empty()) return absl::OkStatus();
  const size_t count = std::max<size_t>(given.size(), static_cast<size_t>(approved.argv_size()));
  for (size_t i = 0; i < count; ++i) {
    const std::string* theirs =
        i < static_cast<size_t>(approved.argv_size()) ? &approved.argv(static_cast<int>(i)) : nullptr;
    const std::string* ours = i < given.size() ? &given[i] : nullptr;
    if (theirs != nullptr && ours != nullptr && *theirs == *ours) continue;
    return error::Make(
        v1::DIGEST_MISMATCH,
        text::Concat("argument ", i, " is ", ours == nullptr ? "missing" : ShellQuoteAscii(*ours),
                     ", and approved was ", theirs == nullptr ? "none" : ShellQuoteAscii(*theirs)));
  }
  return absl::OkStatus();
}

std::string ProgramPathOf(const ExecOptions& options) {
  return options.path.empty() ? std::string(kProgramPath) : options.path;
}

absl::StatusOr<int> Execute(Session& session, const ExecOptions& options) {
  RemoveLeftovers(BaseDirectory(session.world().variable));
  SignalRelay relay;  // Before the client, whose threads must not take the signals.
  const auto timeout = ParseTimeout(options.timeout);
  if (!timeout.ok()) return timeout.status();
  const absl::Duration give_up_at = session.environment().Uptime() + *timeout;
  const auto trust = LoadTrust(session);
  if (!trust.ok()) return trust.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto proposal = WaitUntilApproved(session, options.id, *timeout, relay.stop());
  if (!proposal.ok()) return proposal.status();
  const ExecutionContext context{session, **client, *trust, relay, give_up_at};
  switch (proposal->action().kind()) {
    case v1::COMMAND:
      return ExecuteCommand(context, *proposal, options);
    case v1::TERRAFORM_PLAN:
      return ExecutePlan(context, *proposal, options);
    default:
      return absl::UnimplementedError("this version runs commands and saved plans, and this is neither");
  }
}

}  // namespace countersign::cli
