// The part of a card that says what a saved plan changes.
#ifndef COUNTERSIGN_CLIENT_CLI_PLAN_CARD_H_
#define COUNTERSIGN_CLIENT_CLI_PLAN_CARD_H_

#include <string>

#include "client/cli/card_rows.h"
#include "client/cli/session.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::cli {

// What is lost first: deletes, replacements, what is forgotten; then the rest, where it comes from and where
// its state is kept. In short only the first of each are shown, and a few attributes; in full everything.
Lines PlanRows(const Session& session, const v1::PlanView& plan, Detail detail);

// "2 to create, 1 to delete"; "nothing to change".
std::string CountsText(const v1::ChangeCounts& counts);

// "s3, workspace default, bucket=states; not shown: access_key".
std::string BackendText(const v1::Backend& backend);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_PLAN_CARD_H_
