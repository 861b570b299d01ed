#ifndef COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
#define COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::cli {

// Prints all that a human needs to decide: what it will run, on what, what policy asks; then, apart from that
// and labelled as such, the requester's words; then the history. Small text artifacts are downloaded and
// shown.
absl::Status PrintCard(Session& session, const v1::Proposal& proposal);

// The argv, an argument a line where one holds what could mislead.
std::vector<std::string> CommandLines(const v1::Action& action);

// One line for lists: the command, or the plan's digest.
std::string RunsInShort(const v1::Action& action);

// In UTC; empty where unset.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_PROPOSAL_CARD_H_
