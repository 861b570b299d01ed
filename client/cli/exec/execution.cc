#include "client/cli/exec/execution.h"

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "client/cli/exec/child.h"
#include "client/cli/exec/child_environment.h"
#include "client/cli/exec/lease.h"
#include "client/cli/exec/private_directory.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/signal_relay.h"
#include "client/cli/terminal_text.h"
#include "client/cli/waiting.h"
#include "client/src/retry.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "countersign/token.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostPemBytes = 64 << 10;
// Between looking for who holds the target and claiming again.
constexpr absl::Duration kTurnPause = absl::Seconds(1);
constexpr absl::Duration kReportAttempt = absl::Seconds(15);
constexpr absl::Duration kReportPause = absl::Seconds(2);
constexpr absl::Duration kReportPatience = absl::Minutes(10);

// What the runner trusts before it asks the broker for anything.
struct Trust {
  std::string jwks;
  std::string certificate;
  std::string issuer;
  std::string audience;
};

absl::StatusOr<Trust> LoadTrust(Session& session) {
  const auto profile = session.profile();
  if (!profile.ok()) return profile.status();
  if (profile->jwks_file.empty() || profile->issuer.empty()) {
    return absl::FailedPreconditionError(
        "exec verifies tokens itself, and needs the broker's pinned keys and issuer: set jwks_file and "
        "issuer in the "
        "profile, or COUNTERSIGN_JWKS_FILE and COUNTERSIGN_ISSUER");
  }
  const auto jwks = ReadInput(session.world(), profile->jwks_file, kMostPemBytes);
  if (!jwks.ok()) return jwks.status();
  const auto certificate = ReadInput(session.world(), profile->connect.certificate_file, kMostPemBytes);
  if (!certificate.ok()) return certificate.status();
  return Trust{*jwks, *certificate, profile->issuer, profile->audience};
}

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
  if (proposal->action().kind() != v1::COMMAND) {
    return absl::UnimplementedError("this version runs commands only, and this is a saved plan");
  }
  return proposal;
}

// Brings the approved bytes and hashes what is on disk afterwards.
absl::StatusOr<PrivateDirectory> BringArtifacts(Session& session, Client& client,
                                                const v1::Proposal& proposal, const std::stop_token& stop) {
  auto directory =
      PrivateDirectory::Create(BaseDirectory(session.world().variable),
                               text::Concat("countersign-exec-", session.environment().NewRequestId()));
  if (!directory.ok()) return directory;
  for (const auto& artifact : proposal.action().artifacts()) {
    absl::Status status = directory->Write(artifact.file_name(), [&](const auto& sink) {
      return client.DownloadArtifact(proposal.name(), artifact.digest(), sink,
                                     {.timeout = absl::Minutes(5), .stop = stop});
    });
    if (!status.ok()) return status;
    const auto found = directory->DigestOf(artifact.file_name());
    if (!found.ok()) return found.status();
    if (*found != artifact.digest()) {
      return error::Make(v1::DATA_CORRUPTED,
                         text::Concat(artifact.file_name(), " on disk is not what was approved"));
    }
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

// The verified token of this proposal and digest.
absl::StatusOr<std::string> ClaimToken(Session& session, Client& client, const Trust& trust,
                                       const v1::Proposal& proposal, const std::string& digest,
                                       const std::stop_token& stop) {
  v1::ClaimProposalRequest request;
  request.set_name(proposal.name());
  const auto claim = client.Claim(request, {.stop = stop});
  if (!claim.ok()) return claim.status();
  const auto token = VerifyToken(claim->token(), trust.jwks,
                                 {.issuer = trust.issuer,
                                  .audience = trust.audience,
                                  .holder_certificate = trust.certificate,
                                  .now = session.environment().Now()});
  if (!token.ok()) return token.status();
  std::vector<std::string> artifacts;
  for (const auto& artifact : proposal.action().artifacts()) artifacts.push_back(artifact.digest());
  if (token->proposal != proposal.name() || token->target != proposal.action().target() ||
      token->kind != "command" || token->artifacts != artifacts) {
    return error::Make(v1::TOKEN_INVALID,
                       "the token is for another proposal, target, kind or artifacts than this");
  }
  if (token->action_digest != digest) {
    return error::Make(v1::DIGEST_MISMATCH, "what would run here is not what the token allows");
  }
  return claim->token();
}

absl::StatusOr<v1::RedeemTokenResponse> Redeem(Client& client, const std::string& token,
                                               const std::string& digest, const std::stop_token& stop) {
  v1::RedeemTokenRequest request;
  request.set_token(token);
  request.set_action_digest(digest);
  auto leave = client.Redeem(request, {.stop = stop});
  if (leave.ok() || !(IsRetryable(leave.status()) || absl::IsCancelled(leave.status()))) return leave;
  return absl::Status(
      leave.status().code(),
      text::Concat(text::MessageOf(leave.status()),
                   ". Nothing was run here; if the broker has the proposal EXECUTING or AMBIGUOUS, the token "
                   "was spent on the way, and a human has to resolve it as failed"));
}

// Waits for the end of the execution that holds the target.
absl::Status AwaitTarget(Session& session, Client& client, const std::string& target, absl::Duration patience,
                         const std::stop_token& stop) {
  v1::ListProposalsRequest request;
  request.set_target(target);
  request.add_states(v1::Proposal::EXECUTING);
  request.add_states(v1::Proposal::AMBIGUOUS);
  const auto holders = client.ListProposals(request, {.stop = stop});
  if (!holders.ok()) return holders.status();
  if (holders->proposals().empty()) {  // It has just ended.
    session.environment().SleepFor(kTurnPause, stop);
    return absl::OkStatus();
  }
  const v1::Proposal& holder = holders->proposals(0);
  session.err() << text::Concat("countersign: ", holder.name(), " is ",
                                v1::Proposal::State_Name(holder.state()), " on ", target,
                                "; waiting for its end\n")
                << std::flush;
  return client.Wait(holder.name(), {.while_state = holder.state(), .timeout = patience, .stop = stop})
      .status();
}

// Spends a token as soon as no other execution holds the target; each try has a token of its own, because
// tokens live shorter than executions. TARGET_BUSY when `give_up_at` comes first.
absl::StatusOr<v1::RedeemTokenResponse> TakeTurn(Session& session, Client& client, const Trust& trust,
                                                 const v1::Proposal& proposal, const std::string& digest,
                                                 absl::Duration give_up_at, const std::stop_token& stop) {
  Environment& environment = session.environment();
  for (;;) {
    const auto token = ClaimToken(session, client, trust, proposal, digest, stop);
    if (!token.ok()) return token.status();
    auto leave = Redeem(client, *token, digest, stop);
    if (leave.ok() || error::ReasonOf(leave.status()) != v1::TARGET_BUSY) return leave;
    const absl::Duration approval_left =
        absl::FromUnixSeconds(proposal.approval_expire_time().seconds()) - environment.Now();
    const absl::Duration patience = std::min(give_up_at - environment.Uptime(), approval_left);
    if (patience <= absl::ZeroDuration()) return leave;
    const absl::Status ended = AwaitTarget(session, client, proposal.action().target(), patience, stop);
    if (absl::IsDeadlineExceeded(ended)) return leave;
    if (!ended.ok()) return ended;
  }
}

// Reports until the broker has it, or patience ends.
void Report(Session& session, Client& client, const v1::ReportExecutionRequest& request) {
  Environment& environment = session.environment();
  const absl::Duration start = environment.Uptime();
  bool told = false;
  while (true) {
    const auto answer = client.Report(request, {.timeout = kReportAttempt});
    if (answer.ok()) return;
    const bool over = environment.Uptime() - start > kReportPatience;
    if (over || !IsRetryable(answer.status())) {
      session.err() << "countersign: the outcome (exit code " << request.exit_code()
                    << ") could not be reported: " << EscapeLine(text::MessageOf(answer.status()))
                    << std::endl;
      return;
    }
    if (!std::exchange(told, true)) {
      session.err() << "countersign: the broker is out of reach; trying to report exit code "
                    << request.exit_code() << " for " << absl::FormatDuration(kReportPatience) << std::endl;
    }
    environment.SleepFor(kReportPause, {});
  }
}

// From here on the token is spent: whatever happens is reported.
int RunAndReport(Session& session, Client& client, const v1::RedeemTokenResponse& leave,
                 const Command& command, SignalRelay& relay) {
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_name(leave.proposal().name());
  heartbeat.set_execution_id(leave.proposal().execution().id());
  const absl::Duration interval = absl::Seconds(leave.heartbeat_interval().seconds()) +
                                  absl::Nanoseconds(leave.heartbeat_interval().nanos());
  const absl::Duration start = session.environment().Uptime();
  Outcome outcome;
  {
    const Lease lease(
        client, session.environment(), heartbeat, interval, [&session](const absl::Status& status) {
          session.err() << text::Concat("countersign: the lease was lost, the program runs on: ",
                                        EscapeLine(text::MessageOf(status)), "\n")
                        << std::flush;
        });
    outcome = RunCommand(command, relay);
  }
  if (!outcome.problem.empty()) {
    session.err() << "countersign: " << EscapeLine(command.program.path())
                  << " could not be started: " << EscapeLine(outcome.problem) << std::endl;
  }
  v1::ReportExecutionRequest report;
  report.set_name(heartbeat.name());
  report.set_execution_id(heartbeat.execution_id());
  report.set_exit_code(outcome.exit_code);
  report.set_request_id(session.environment().NewRequestId());
  const absl::Duration ran = session.environment().Uptime() - start;
  report.mutable_duration()->set_seconds(absl::ToInt64Seconds(ran));
  report.mutable_duration()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(ran - absl::Seconds(absl::ToInt64Seconds(ran)))));
  Report(session, client, report);
  return outcome.exit_code;
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

absl::StatusOr<int> Execute(Session& session, const ExecOptions& options) {
  SignalRelay relay;  // Before the client, whose threads must not take the signals.
  const std::stop_token stop = relay.stop();
  const auto timeout = ParseTimeout(options.timeout);
  if (!timeout.ok()) return timeout.status();
  const absl::Duration give_up_at = session.environment().Uptime() + *timeout;
  const auto trust = LoadTrust(session);
  if (!trust.ok()) return trust.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto proposal = WaitUntilApproved(session, options.id, *timeout, stop);
  if (!proposal.ok()) return proposal.status();
  const v1::Action& action = proposal->action();
  if (const auto status = CheckCommand(session.command(), action); !status.ok()) return status;

  const std::string path = options.path.empty() ? std::string(kProgramPath) : options.path;
  auto environment = BuildEnvironment({action.environment().begin(), action.environment().end()},
                                      options.passed_variables, path, session.world().variable);
  if (!environment.ok()) return environment.status();
  const auto directory = BringArtifacts(session, **client, *proposal, stop);
  if (!directory.ok()) return directory.status();
  environment->emplace("HOME", directory->path());
  const auto program = FindProgram(action, *directory, path);
  if (!program.ok()) return program.status();

  const std::vector<std::string> argv(action.argv().begin(), action.argv().end());
  const auto digest =
      DigestOfWhatWillRun(*proposal, session.command().empty() ? argv : session.command(), *directory);
  if (!digest.ok()) return digest.status();
  const auto leave = TakeTurn(session, **client, *trust, *proposal, *digest, give_up_at, stop);
  if (!leave.ok()) return leave.status();
  return RunAndReport(session, **client, *leave, {*program, argv, *environment, directory->descriptor()},
                      relay);
}

}  // namespace countersign::cli
