#include "server/proposal/life.h"

#include <optional>

#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::proposal {
namespace {

using v1::Proposal;

constexpr Proposal::State kPending = Proposal::PENDING;
constexpr Proposal::State kApproved = Proposal::APPROVED;
constexpr Proposal::State kExecuting = Proposal::EXECUTING;
constexpr Proposal::State kAmbiguous = Proposal::AMBIGUOUS;

std::optional<Proposal::State> Follow(Proposal::State from, Step step) {
  const bool open = from == kPending || from == kApproved;
  const bool ran = from == kExecuting || from == kAmbiguous;
  const auto only = [](bool allowed, Proposal::State to) {
    return allowed ? std::optional<Proposal::State>(to) : std::nullopt;
  };
  switch (step) {
    case Step::kApproveInPart:
      return only(from == kPending, kPending);
    case Step::kApproveInFull:
      return only(from == kPending, kApproved);
    case Step::kDeny:
      return only(from == kPending, Proposal::DENIED);
    case Step::kCancel:
      return only(open, Proposal::CANCELLED);
    case Step::kRevoke:
      return only(from == kApproved, Proposal::REVOKED);
    case Step::kExpire:
      return only(open, Proposal::EXPIRED);
    case Step::kSupersede:
      return only(open, Proposal::SUPERSEDED);
    case Step::kIssueToken:
      return only(from == kApproved, kApproved);
    case Step::kRedeem:
      return only(from == kApproved, kExecuting);
    case Step::kLoseLease:
      return only(from == kExecuting, kAmbiguous);
    case Step::kReportSuccess:
      return only(ran, Proposal::SUCCEEDED);
    case Step::kReportFailure:
      return only(ran, Proposal::FAILED);
    case Step::kResolveSuccess:
      return only(from == kAmbiguous, Proposal::SUCCEEDED);
    case Step::kResolveFailure:
      return only(from == kAmbiguous, Proposal::FAILED);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Proposal::State> Next(Proposal::State from, Step step) {
  const auto to = Follow(from, step);
  if (to.has_value()) return *to;
  return error::Make(v1::WRONG_STATE, text::Concat("the proposal is ", Proposal::State_Name(from),
                                                   ", and that state does not allow this"));
}

bool IsTerminal(Proposal::State state) {
  return state != kPending && state != kApproved && state != kExecuting && state != kAmbiguous;
}

}  // namespace countersign::proposal
