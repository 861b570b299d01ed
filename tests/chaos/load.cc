#include "tests/chaos/load.h"

#include <thread>

#include "core/text/text.h"
#include "countersign/error.h"
#include "tests/support/status_matchers.h"

namespace countersign::chaos {
namespace {

// Longer than any outage that the tests make.
constexpr absl::Duration kPatience = absl::Seconds(90);

v1::Action ActionOn(const std::string& target, const std::string& argument) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  action.set_target(target);
  action.add_argv("echo");
  action.add_argv(argument);
  return action;
}

}  // namespace

Life::Life(int number, uint64_t seed, Clients clients)
    : number_(number), random_(seed + static_cast<uint64_t>(number)), clients_(std::move(clients)) {}

std::string Life::TargetOf(int number) { return text::Concat("targets/chaos-", number); }

std::string Life::Documents(int count) {
  std::string documents = R"(document: Directory
principals:
  - {id: spiffe://example.org/agent/bot}
  - {id: spiffe://example.org/human/alice}
  - {id: spiffe://example.org/human/bob}
  - {id: spiffe://example.org/workload/ci}
  - {id: spiffe://example.org/auditor/eve}
groups:
  - {name: admin, members: [spiffe://example.org/human/alice]}
---
document: Policy
rules:
  - {name: chaos, environments: [chaos], verdict: REQUIRE_APPROVAL, quorums: [{count: 1}], lease_lifetime: 15s}
)";
  for (int i = 0; i < count; ++i) {
    documents += text::Concat("---\ndocument: Target\nname: ", TargetOf(i),
                              "\nenvironment: chaos\nexecutors: [spiffe://example.org/workload/ci]\n");
  }
  return documents;
}

void Life::Fail(std::string_view what, const v1::Proposal& proposal, const absl::Status& status) {
  failures_.push_back(text::Concat(what, " of ", proposal.name(), " (",
                                   v1::Proposal::State_Name(proposal.state()),
                                   "): ", testing::Describe(status)));
}

template <typename Request>
bool Life::Persist(std::string_view event_type, Request request, const Method<Request>& method,
                   v1::Proposal* proposal) {
  request.set_request_id(text::Concat("life-", number_, "-", next_request_++));
  auto answer = method(request, {.timeout = kPatience});
  if (!answer.ok()) {
    Fail(event_type, *proposal, answer.status());
    return false;
  }
  acknowledged_.push_back({request.request_id(), std::string(event_type), *answer});
  *proposal = *std::move(answer);
  return true;
}

bool Life::Submit(v1::Proposal* proposal) {
  Submission submission;
  submission.action = ActionOn(TargetOf(number_), std::to_string(lives_));
  submission.reason = "because";
  submission.request_id = text::Concat("life-", number_, "-", next_request_++);
  auto answer = clients_.agent->Submit(submission, {.timeout = kPatience});
  if (!answer.ok()) {
    Fail("proposal.created", *proposal, answer.status());
    return false;
  }
  acknowledged_.push_back({submission.request_id, "proposal.created", *answer});
  *proposal = *std::move(answer);
  return true;
}

bool Life::Decide(bool approve, v1::Proposal* proposal) {
  if (approve) {
    v1::ApproveProposalRequest request;
    request.set_name(proposal->name());
    request.set_etag(proposal->etag());
    request.set_action_digest(proposal->action_digest());
    return Persist<v1::ApproveProposalRequest>(
        "proposal.approved", request,
        [this](const auto& sent, const CallOptions& options) {
          return clients_.human->Approve(sent, options);
        },
        proposal);
  }
  v1::DenyProposalRequest request;
  request.set_name(proposal->name());
  request.set_etag(proposal->etag());
  request.set_action_digest(proposal->action_digest());
  return Persist<v1::DenyProposalRequest>(
      "proposal.denied", request,
      [this](const auto& sent, const CallOptions& options) { return clients_.human->Deny(sent, options); },
      proposal);
}

bool Life::Claim(v1::Proposal* proposal, std::string* token) {
  v1::ClaimProposalRequest request;
  request.set_name(proposal->name());
  return Persist<v1::ClaimProposalRequest>(
      "token.issued", request,
      [this, token](const auto& sent, const CallOptions& options) -> absl::StatusOr<v1::Proposal> {
        const auto claimed = clients_.job->Claim(sent, options);
        if (!claimed.ok()) return claimed.status();
        *token = claimed->token();
        return claimed->proposal();
      },
      proposal);
}

bool Life::Redeem(const std::string& token, v1::Proposal* proposal) {
  v1::RedeemTokenRequest request;
  request.set_token(token);
  request.set_action_digest(proposal->action_digest());
  return Persist<v1::RedeemTokenRequest>(
      "token.redeemed", request,
      [this](const auto& sent, const CallOptions& options) -> absl::StatusOr<v1::Proposal> {
        const auto redeemed = clients_.job->Redeem(sent, options);
        if (!redeemed.ok()) return redeemed.status();
        return redeemed->proposal();
      },
      proposal);
}

bool Life::Report(int exit_code, v1::Proposal* proposal) {
  v1::ReportExecutionRequest request;
  request.set_name(proposal->name());
  request.set_execution_id(proposal->execution().id());
  request.set_exit_code(exit_code);
  return Persist<v1::ReportExecutionRequest>(
      "execution.reported", request,
      [this](const auto& sent, const CallOptions& options) { return clients_.job->Report(sent, options); },
      proposal);
}

void Life::ExpectSpent(const std::string& token, const v1::Proposal& proposal) {
  v1::RedeemTokenRequest request;
  request.set_token(token);
  request.set_action_digest(proposal.action_digest());
  const auto again = clients_.job->Redeem(request, {.timeout = kPatience});
  if (ReasonOf(again.status()) != v1::TOKEN_ALREADY_REDEEMED)
    Fail("second redemption", proposal, again.status());
}

// Nobody reports: the lease ends, and a human has to say what happened.
void Life::ResolveWhatItsJobLeft(const v1::Proposal& proposal) {
  const auto lost = clients_.human->Wait(
      proposal.name(), {.while_state = v1::Proposal::EXECUTING, .timeout = absl::Seconds(15) + kPatience});
  if (!lost.ok() || lost->state() != v1::Proposal::AMBIGUOUS) {
    Fail("loss of the lease", lost.value_or(proposal), lost.status());
    return;
  }
  if (const absl::Status status = Finish(*lost); !status.ok()) Fail("resolution", *lost, status);
}

void Life::Live() {
  ++lives_;
  v1::Proposal proposal;
  if (!Submit(&proposal)) return;
  if (Chance(0.1)) {
    Decide(false, &proposal);
    return;
  }
  if (Chance(0.05)) return;  // Nobody decides.
  absl::StatusOr<v1::Proposal> woken;
  {
    std::jthread waiter(
        [&, name = proposal.name()] { woken = clients_.job->Wait(name, {.timeout = kPatience}); });
    if (!Decide(true, &proposal)) return;
  }
  if (!woken.ok()) return Fail("wait", proposal, woken.status());
  if (Chance(0.05)) return;  // Nobody claims.
  std::string token;
  if (!Claim(&proposal, &token)) return;
  if (Chance(0.1) && !Claim(&proposal, &token)) return;
  if (!Redeem(token, &proposal)) return;
  if (Chance(0.2)) ExpectSpent(token, proposal);
  if (Chance(0.02) || (lives_ == 1 && number_ < 2)) return ResolveWhatItsJobLeft(proposal);
  Report(Chance(0.2) ? 1 : 0, &proposal);
}

absl::Status Life::Finish(v1::Proposal proposal) {
  const CallOptions options{.timeout = kPatience};
  switch (proposal.state()) {
    case v1::Proposal::PENDING: {
      v1::DenyProposalRequest request;
      request.set_name(proposal.name());
      request.set_etag(proposal.etag());
      request.set_action_digest(proposal.action_digest());
      return clients_.human->Deny(request, options).status();
    }
    case v1::Proposal::APPROVED: {
      std::string token;
      if (!Claim(&proposal, &token) || !Redeem(token, &proposal) || !Report(0, &proposal)) {
        return absl::UnknownError(failures_.back());
      }
      return absl::OkStatus();
    }
    case v1::Proposal::EXECUTING:
      return Report(0, &proposal) ? absl::OkStatus() : absl::UnknownError(failures_.back());
    case v1::Proposal::AMBIGUOUS: {
      v1::ResolveProposalRequest request;
      request.set_name(proposal.name());
      request.set_etag(proposal.etag());
      request.set_outcome(v1::Proposal::FAILED);
      request.set_comment("its job was gone");
      return clients_.human->Resolve(request, options).status();
    }
    default:
      return absl::OkStatus();
  }
}

}  // namespace countersign::chaos
