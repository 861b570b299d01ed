#ifndef COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
#define COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/card_rows.h"
#include "client/cli/session.h"
#include "countersign/v1/plan.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::cli {

// What a plan says, as the broker read it, and OK only if it is what the proposal was judged by.
absl::StatusOr<v1::PlanView> FetchPlan(Session& session, const v1::Proposal& proposal);

// Prints all that a human needs to decide. First what the broker thinks of it, then what it changes and will
// run, on what, and what policy asks; then, apart from that and labelled as such, the requester's words; then
// the history. Plans are fetched, small text artifacts are downloaded and shown.
// What could not be fetched is said on the card, and for a plan is also returned in `plan`: nobody decides on
// a plan that they could not see.
struct CardShown {
  absl::Status plan;  // OK where there is none.
};
absl::StatusOr<CardShown> PrintCard(Session& session, const v1::Proposal& proposal,
                                    Detail detail = Detail::kShort);

// Only the verdict line and the findings.
Lines JudgementRows(const Session& session, const v1::Proposal& proposal, Detail detail);

// On what it will run what, in so few lines that a question below them has them on its screen.
std::string ActionInShort(Session& session, const v1::Proposal& proposal);

// One line for lists: the command in ASCII, where no letter looks like another, or what the plan changes.
std::string RunsInShort(const v1::Proposal& proposal);

// In UTC; empty where unset.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
