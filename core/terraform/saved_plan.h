// The parts of a saved plan, read completely. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_SAVED_PLAN_H_
#define COUNTERSIGN_CORE_TERRAFORM_SAVED_PLAN_H_

#include <string_view>

#include "absl/status/status.h"
#include "core/terraform/configuration.h"
#include "core/terraform/limits.h"
#include "core/terraform/plan_file.h"
#include "core/terraform/state_file.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

class StrictZip;

// Not copyable: the states live in the arena. Immutable once read. Borrows the limits.
class SavedPlan {
 public:
  explicit SavedPlan(const Limits& limits) : limits_(limits), arena_(limits) {}
  SavedPlan(const SavedPlan&) = delete;
  SavedPlan& operator=(const SavedPlan&) = delete;

  // To be called once. Keeps nothing of `bytes`. Errors: PLAN_UNREADABLE.
  absl::Status Read(std::string_view bytes);

  const plan_file::Plan& plan() const { return plan_; }
  // What the plan was made on: the state after it was refreshed, which is what its apply starts from.
  const StateFile& state() const { return state_; }
  // The one before it was refreshed: its content, for it has neither lineage nor serial of its own. The same
  // object as state() where refreshing has changed nothing.
  const StateFile& previous_state() const { return refreshed_ ? previous_state_ : state_; }
  const Configuration& configuration() const { return configuration_; }
  // How many values may still be decoded.
  uint64_t values_left() const { return arena_.nodes_left(); }

 private:
  absl::Status ReadPreviousState(const StrictZip& zip);

  const Limits& limits_;
  ValueArena arena_;
  plan_file::Plan plan_;
  StateFile state_;
  StateFile previous_state_;
  bool refreshed_ = true;
  Configuration configuration_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_SAVED_PLAN_H_
