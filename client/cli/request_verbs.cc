// submit and cancel: what requesters do.
#include <memory>
#include <ostream>

#include "absl/strings/str_split.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/terminal_text.h"
#include "client/cli/waiting.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

// Artifacts may be large and the line thin.
constexpr absl::Duration kUploadTimeout = absl::Minutes(2);

struct SubmitOptions {
  std::string target;
  std::string reason;
  std::string plan;
  std::vector<std::string> variables;
  std::vector<std::string> artifacts;
  bool wait = false;
  std::string timeout;
};

// "FILE" or "FILE=NAME".
LocalFile ParseArtifact(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals != std::string::npos)
    return {.path = text.substr(0, equals), .file_name = text.substr(equals + 1)};
  return {.path = text, .file_name = text.substr(text.rfind('/') + 1)};
}

absl::StatusOr<Submission> MakeSubmission(const SubmitOptions& options,
                                          const std::vector<std::string>& command) {
  Submission submission;
  submission.reason = options.reason;
  v1::Action& action = submission.action;
  action.set_target(TargetName(options.target));
  if (options.plan.empty() == command.empty()) {
    return UsageError("give either --plan FILE or a command behind --, for example: -- psql -f fix.sql");
  }
  if (!options.plan.empty()) {
    if (!options.variables.empty() || !options.artifacts.empty()) {
      return UsageError("a plan takes neither --env nor --artifact");
    }
    action.set_kind(v1::TERRAFORM_PLAN);
    submission.files.push_back({.path = options.plan, .file_name = ""});
    return submission;
  }
  action.set_kind(v1::COMMAND);
  for (const std::string& argument : command) action.add_argv(argument);
  for (const std::string& variable : options.variables) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0)
      return UsageError(text::Concat("--env wants NAME=VALUE, not ", variable));
    if (!action.mutable_environment()
             ->insert({variable.substr(0, equals), variable.substr(equals + 1)})
             .second) {
      return UsageError(text::Concat("--env names ", variable.substr(0, equals), " twice"));
    }
  }
  for (const std::string& artifact : options.artifacts) submission.files.push_back(ParseArtifact(artifact));
  return submission;
}

// The name alone for a program. What the broker thinks of it for a human: on a terminal as a card, else
// beside the output.
absl::Status TellSubmitted(Session& session, const v1::Proposal& proposal) {
  session.out() << proposal.name() << std::endl;
  const bool has_plan = proposal.action().kind() == v1::TERRAFORM_PLAN;
  if (has_plan && session.world().out_is_terminal) {
    session.out() << '\n';
    return PrintCard(session, proposal).status();
  }
  Print(session.err(), JudgementRows(session, proposal, Detail::kShort));
  for (const std::string& missing : proposal.blocked_by()) session.err() << EscapeLine(missing) << '\n';
  return absl::OkStatus();
}

absl::StatusOr<int> Submit(Session& session, const SubmitOptions& options) {
  const auto submission = MakeSubmission(options, session.command());
  if (!submission.ok()) return submission.status();
  const auto timeout = ParseTimeout(options.timeout);
  if (!timeout.ok()) return timeout.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto proposal = (*client)->Submit(*submission, {.timeout = kUploadTimeout});
  if (!proposal.ok()) return proposal.status();
  if (!session.json()) {
    if (const auto status = TellSubmitted(session, *proposal); !status.ok()) return status;
  }
  if (options.wait) return WaitAndTell(session, proposal->name(), *timeout);
  if (session.json()) {
    if (const auto status = session.PrintJson(*proposal); !status.ok()) return status;
  }
  return kDone;
}

struct CancelOptions {
  std::string id;
  bool yes = false;
};

absl::StatusOr<int> Cancel(Session& session, const CancelOptions& options) {
  const auto proposal = session.Find(options.id);
  if (!proposal.ok()) return proposal.status();
  if (!options.yes) {
    const auto status =
        session.Confirm(text::Concat("This withdraws ", IdOf(*proposal), " (", RunsInShort(*proposal), ")."),
                        "With --yes it does not ask.");
    if (!status.ok()) return status;
  }
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::CancelProposalRequest request;
  request.set_name(proposal->name());
  const auto cancelled = (*client)->Cancel(request, InteractiveCall());
  if (!cancelled.ok()) return cancelled.status();
  return TellState(session, *cancelled);
}

}  // namespace

void AddRequestVerbs(Verbs& verbs, Session& session) {
  auto submit = std::make_shared<SubmitOptions>();
  const Verb submit_verb =
      verbs.Add("submit", "Propose a command or a saved plan; prints the proposal's name",
                "  countersign submit --target targets/prod-courses --reason 'adds the index from #812' \\\n"
                "      --artifact fix.sql -- psql -f fix.sql\n"
                "  countersign submit --target prod-network --reason 'new subnet' --plan plan.tfplan --wait "
                "--timeout 1h",
                [&session, submit] { return Submit(session, *submit); });
  submit_verb.Option("--target", &submit->target, "What it acts on, targets/NAME", {.required = true});
  submit_verb.Option("--reason", &submit->reason, "Why, for the people who decide", {.required = true});
  submit_verb.Option("--plan", &submit->plan, "A saved plan, as `terraform plan -out=FILE` wrote it",
                     {.type_name = "FILE"});
  submit_verb.Option("--env", &submit->variables, "A variable for the command; may be repeated",
                     {.type_name = "NAME=VALUE"});
  submit_verb.Option("--artifact", &submit->artifacts,
                     "A file for the command, under its own name or NAME; may be repeated",
                     {.type_name = "FILE[=NAME]"});
  submit_verb.Flag("--wait", &submit->wait, "Wait for the decision");
  submit_verb.Option("--timeout", &submit->timeout, "How long to wait, for example 10m",
                     {.type_name = "DURATION"});

  auto cancel = std::make_shared<CancelOptions>();
  const Verb cancel_verb = verbs.Add("cancel", "Withdraw a proposal of yours", "  countersign cancel k3vq",
                                     [&session, cancel] { return Cancel(session, *cancel); });
  cancel_verb.Option("ID", &cancel->id, "The proposal", {.required = true});
  cancel_verb.Flag("-y,--yes", &cancel->yes, "Do not ask");
}

}  // namespace countersign::cli
