#include "server/proposal/life.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tests/support/status_matchers.h"

namespace countersign::proposal {
namespace {

using v1::Proposal;

constexpr Step kSteps[] = {
    Step::kApproveInPart, Step::kApproveInFull, Step::kDeny,           Step::kCancel,        Step::kRevoke,
    Step::kExpire,        Step::kSupersede,     Step::kIssueToken,     Step::kRedeem,        Step::kLoseLease,
    Step::kReportSuccess, Step::kReportFailure, Step::kResolveSuccess, Step::kResolveFailure};

// The table of the design, cell by cell: what is not here is refused.
const std::map<std::pair<Proposal::State, Step>, Proposal::State> kTable = {
    {{Proposal::PENDING, Step::kApproveInPart}, Proposal::PENDING},
    {{Proposal::PENDING, Step::kApproveInFull}, Proposal::APPROVED},
    {{Proposal::PENDING, Step::kDeny}, Proposal::DENIED},
    {{Proposal::PENDING, Step::kCancel}, Proposal::CANCELLED},
    {{Proposal::PENDING, Step::kExpire}, Proposal::EXPIRED},
    {{Proposal::PENDING, Step::kSupersede}, Proposal::SUPERSEDED},
    {{Proposal::APPROVED, Step::kCancel}, Proposal::CANCELLED},
    {{Proposal::APPROVED, Step::kRevoke}, Proposal::REVOKED},
    {{Proposal::APPROVED, Step::kExpire}, Proposal::EXPIRED},
    {{Proposal::APPROVED, Step::kSupersede}, Proposal::SUPERSEDED},
    {{Proposal::APPROVED, Step::kIssueToken}, Proposal::APPROVED},
    {{Proposal::APPROVED, Step::kRedeem}, Proposal::EXECUTING},
    {{Proposal::EXECUTING, Step::kLoseLease}, Proposal::AMBIGUOUS},
    {{Proposal::EXECUTING, Step::kReportSuccess}, Proposal::SUCCEEDED},
    {{Proposal::EXECUTING, Step::kReportFailure}, Proposal::FAILED},
    {{Proposal::AMBIGUOUS, Step::kReportSuccess}, Proposal::SUCCEEDED},
    {{Proposal::AMBIGUOUS, Step::kReportFailure}, Proposal::FAILED},
    {{Proposal::AMBIGUOUS, Step::kResolveSuccess}, Proposal::SUCCEEDED},
    {{Proposal::AMBIGUOUS, Step::kResolveFailure}, Proposal::FAILED},
};

TEST(LifeTest, FollowsTheTableInEveryCell) {
  for (int number = Proposal::STATE_UNSPECIFIED; number <= Proposal::State_MAX; ++number) {
    for (const Step step : kSteps) {
      const auto from = static_cast<Proposal::State>(number);
      SCOPED_TRACE(Proposal::State_Name(from) + " step " + std::to_string(static_cast<int>(step)));
      const auto cell = kTable.find({from, step});
      const auto next = Next(from, step);
      if (cell == kTable.end()) {
        EXPECT_THAT(next, testing::HasReason(v1::WRONG_STATE));
      } else {
        ASSERT_OK(next);
        EXPECT_EQ(*next, cell->second);
      }
    }
  }
}

TEST(LifeTest, NothingLeavesATerminalState) {
  for (int number = Proposal::STATE_UNSPECIFIED; number <= Proposal::State_MAX; ++number) {
    const auto state = static_cast<Proposal::State>(number);
    if (!IsTerminal(state)) continue;
    for (const Step step : kSteps) EXPECT_FALSE(Next(state, step).ok()) << Proposal::State_Name(state);
  }
}

}  // namespace
}  // namespace countersign::proposal
