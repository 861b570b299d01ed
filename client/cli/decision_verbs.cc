// approve, deny, revoke and resolve: what humans decide.
#include <memory>
#include <ostream>

#include "absl/strings/str_join.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/waiting.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

struct DecisionOptions {
  std::string id;
  std::string comment;
  std::string digest;
  std::string outcome;
  bool yes = false;
};

struct Shown {
  v1::Proposal proposal;
  absl::Status plan;  // Why its plan could not be shown.
};

// Shows the proposal, so that nobody decides on what they have not seen. What is shown goes to standard
// output; with JSON that stays free for the answer.
absl::StatusOr<Shown> ShowAll(Session& session, const std::string& id) {
  auto proposal = session.Find(id);
  if (!proposal.ok()) return proposal.status();
  if (session.json()) {
    const bool has_plan = proposal->action().kind() == v1::TERRAFORM_PLAN;
    const absl::Status plan = has_plan ? FetchPlan(session, *proposal).status() : absl::OkStatus();
    return Shown{*std::move(proposal), plan};
  }
  const auto card = PrintCard(session, *proposal);
  if (!card.ok()) return card.status();
  session.out() << '\n';
  return Shown{*std::move(proposal), card->plan};
}

// The same for what is safe without having seen all of it: to stop something, or to say how it ended.
absl::StatusOr<v1::Proposal> ShowFirst(Session& session, const std::string& id) {
  auto shown = ShowAll(session, id);
  if (!shown.ok()) return shown.status();
  return std::move(shown->proposal);
}

// Why nobody may approve it, before anybody is asked to.
absl::Status CheckApprovable(const Shown& shown) {
  if (!shown.plan.ok()) {
    return absl::FailedPreconditionError(text::Concat(
        "what the plan changes could not be shown, so it was not approved: ", text::MessageOf(shown.plan)));
  }
  const auto& forbidden = shown.proposal.requirement().forbidden_findings();
  if (forbidden.empty()) return absl::OkStatus();
  return error::Make(v1::POLICY_DENIED,
                     text::Concat("nobody may approve this, because of ", absl::StrJoin(forbidden, ", ")));
}

// Asks, with what it is about on the same screen: a long card has scrolled that away.
absl::Status Ask(Session& session, const v1::Proposal& proposal, const std::string& statement,
                 const std::string& otherwise) {
  return session.Confirm(ActionInShort(session, proposal) + statement, otherwise);
}

absl::StatusOr<int> Tell(Session& session, const absl::StatusOr<v1::Proposal>& proposal) {
  if (!proposal.ok()) return proposal.status();
  return TellState(session, *proposal);
}

absl::StatusOr<int> Approve(Session& session, const DecisionOptions& options) {
  const auto shown = ShowAll(session, options.id);
  if (!shown.ok()) return shown.status();
  if (const auto status = CheckApprovable(*shown); !status.ok()) return status;
  const v1::Proposal* proposal = &shown->proposal;
  if (!options.digest.empty() && options.digest != proposal->action_digest()) {
    return error::Make(v1::DIGEST_MISMATCH, text::Concat("the digest given is not that of ", IdOf(*proposal),
                                                         ", which is ", proposal->action_digest()));
  }
  if (options.digest.empty()) {
    if (session.json()) return UsageError("with --output json, say what you approve with --digest");
    const auto status = Ask(session, *proposal, "You approve exactly this.",
                            "To approve without being asked, name what you have seen: --digest sha256:…");
    if (!status.ok()) return status;
  }
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::ApproveProposalRequest request;
  request.set_name(proposal->name());
  request.set_etag(proposal->etag());
  request.set_action_digest(proposal->action_digest());
  request.set_comment(options.comment);
  return Tell(session, (*client)->Approve(request, InteractiveCall()));
}

absl::StatusOr<int> Deny(Session& session, const DecisionOptions& options) {
  const auto proposal = ShowFirst(session, options.id);
  if (!proposal.ok()) return proposal.status();
  if (!options.yes) {
    const auto status = Ask(session, *proposal, text::Concat("You deny ", IdOf(*proposal), "."),
                            "With --yes it does not ask.");
    if (!status.ok()) return status;
  }
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::DenyProposalRequest request;
  request.set_name(proposal->name());
  request.set_etag(proposal->etag());
  request.set_action_digest(proposal->action_digest());
  request.set_comment(options.comment);
  return Tell(session, (*client)->Deny(request, InteractiveCall()));
}

absl::StatusOr<int> Revoke(Session& session, const DecisionOptions& options) {
  const auto proposal = ShowFirst(session, options.id);
  if (!proposal.ok()) return proposal.status();
  if (!options.yes) {
    const auto status =
        Ask(session, *proposal, text::Concat("You take the approval of ", IdOf(*proposal), " back."),
            "With --yes it does not ask.");
    if (!status.ok()) return status;
  }
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::RevokeProposalRequest request;
  request.set_name(proposal->name());
  request.set_comment(options.comment);
  return Tell(session, (*client)->Revoke(request, InteractiveCall()));
}

absl::StatusOr<int> Resolve(Session& session, const DecisionOptions& options) {
  const auto proposal = ShowFirst(session, options.id);
  if (!proposal.ok()) return proposal.status();
  if (!options.yes) {
    const auto status =
        Ask(session, *proposal,
            text::Concat("You put on record that ", IdOf(*proposal), " has ", options.outcome, "."),
            "With --yes it does not ask.");
    if (!status.ok()) return status;
  }
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::ResolveProposalRequest request;
  request.set_name(proposal->name());
  request.set_etag(proposal->etag());
  request.set_outcome(options.outcome == "succeeded" ? v1::Proposal::SUCCEEDED : v1::Proposal::FAILED);
  request.set_comment(options.comment);
  return Tell(session, (*client)->Resolve(request, InteractiveCall()));
}

using Decide = absl::StatusOr<int> (*)(Session&, const DecisionOptions&);

// What the four have in common.
std::pair<Verb, std::shared_ptr<DecisionOptions>> Add(Verbs& verbs, Session& session, const std::string& name,
                                                      const std::string& description,
                                                      const std::string& examples, Decide decide,
                                                      bool comment_required = false) {
  auto options = std::make_shared<DecisionOptions>();
  const Verb verb = verbs.Add(name, description, examples,
                              [&session, options, decide] { return decide(session, *options); });
  verb.Option("ID", &options->id, "The proposal", {.required = true});
  verb.Option("-m,--comment", &options->comment, "Your words, kept with it",
              {.type_name = "TEXT", .required = comment_required});
  return {verb, options};
}

}  // namespace

void AddDecisionVerbs(Verbs& verbs, Session& session) {
  const auto [approve, approve_options] = Add(
      verbs, session, "approve", "Show a proposal and, if you say so, approve exactly what was shown",
      "  countersign approve k3vq\n  countersign approve k3vq --digest sha256:9f86d0…   # as shown before",
      Approve);
  approve.Option("--digest", &approve_options->digest,
                 "Approve without being asked, if this is still the digest", {.type_name = "DIGEST"});

  const auto [deny, deny_options] = Add(verbs, session, "deny", "Say no; the requester reads your comment",
                                        "  countersign deny k3vq --comment 'not on a Friday'", Deny);
  deny.Flag("-y,--yes", &deny_options->yes, "Do not ask");

  const auto [revoke, revoke_options] =
      Add(verbs, session, "revoke", "Take an approval back before it is used",
          "  countersign revoke k3vq --comment 'the incident is over'", Revoke);
  revoke.Flag("-y,--yes", &revoke_options->yes, "Do not ask");

  const auto [resolve, resolve_options] = Add(
      verbs, session, "resolve", "Settle an execution of which nobody knows whether it ran, after looking",
      "  countersign resolve k3vq --outcome failed --comment 'the table has no new column'", Resolve,
      /*comment_required=*/true);
  resolve.Option("--outcome", &resolve_options->outcome, "What you found: succeeded or failed",
                 {.required = true, .values = {"succeeded", "failed"}});
  resolve.Flag("-y,--yes", &resolve_options->yes, "Do not ask");
}

}  // namespace countersign::cli
