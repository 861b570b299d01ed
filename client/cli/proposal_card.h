#ifndef COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
#define COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::cli {

// Whether long reasons and artifacts are cut, saying so, or shown to their end.
enum class Detail { kShort, kFull };

// Prints all that a human needs to decide: what it will run, on what, what policy asks; then, apart from that
// and labelled as such, the requester's words; then the history. Small text artifacts are downloaded and
// shown. Lines are wrapped here, so that nobody else's text can stand where the labels do.
absl::Status PrintCard(Session& session, const v1::Proposal& proposal, Detail detail = Detail::kShort);

// On what it will run what, in so few lines that a question below them has them on its screen.
std::string ActionInShort(Session& session, const v1::Proposal& proposal);

// One line for lists: the command in ASCII, where no letter looks like another, or the plan's digest.
std::string RunsInShort(const v1::Action& action);

// In UTC; empty where unset.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
