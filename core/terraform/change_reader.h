// Single changes of a saved plan, as a view shows them. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_
#define COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/terraform/content_hasher.h"
#include "core/terraform/limits.h"
#include "core/terraform/masking.h"
#include "core/terraform/place.h"
#include "core/terraform/saved_plan.h"
#include "core/terraform/secret_names.h"
#include "core/terraform/value_changes.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

struct ReadResource {
  v1::ResourceChange change;
  std::string digest;  // Of what it does, without the values of what is masked.
  int64_t masked = 0;
  bool hides_id = false;  // The attribute `id` is sensitive.
};

struct ReadOutput {
  v1::OutputChange change;
  std::string digest;
  int64_t masked = 0;
};

struct ReadInvocation {
  v1::ActionInvocation invocation;
  std::string digest;
};

// Reads the changes of one plan one after another. What they need together is bounded by the limits. Borrows
// everything it is given. Not thread-safe. All errors: PLAN_UNREADABLE.
class ChangeReader {
 public:
  ChangeReader(const SavedPlan& saved, const SaltedDigest& salted, const Limits& limits);

  // `place` says where it stands in the plan.
  absl::StatusOr<ReadResource> Resource(const plan_file::ResourceInstanceChange& change, const Place& place);
  // What has happened already, and is not compared with the state.
  absl::StatusOr<ReadResource> Drift(const plan_file::ResourceInstanceChange& change, const Place& place);
  absl::StatusOr<ReadOutput> Output(const plan_file::OutputChange& output, const Place& place);
  absl::StatusOr<ReadInvocation> Invocation(const plan_file::ActionInvocationInstance& invocation,
                                            bool deferred, const Place& place);
  // The digest of a value that is shown nowhere. `sensitive`: nothing of it goes in.
  absl::StatusOr<std::string> HiddenValue(std::string_view name, const plan_file::DynamicValue& value,
                                          bool sensitive, const Place& place);

 private:
  struct Values;

  absl::StatusOr<ReadResource> ReadChange(const plan_file::ResourceInstanceChange& change, const Place& place,
                                          bool happened);
  absl::StatusOr<Value> Decode(const std::string& bytes, ValueArena* arena, const Place& place);
  absl::Status DecodeBoth(const plan_file::Change& change, const Place& place, Values* values);
  template <typename Paths, typename Mark>
  absl::Status EachPath(const Paths& paths, const Place& place, ValueArena* arena, Mark mark);
  // `state_marks`: what was marked before is taken from the states, and all that the plan marks counts as
  // marked by the plan.
  absl::Status MarkChange(const plan_file::Change& change, const Place& place, ValueArena* arena,
                          bool state_marks, Mask* mask);
  // Whether any of the states has the object.
  absl::StatusOr<bool> MarkAsInStates(const plan_file::ResourceInstanceChange& change, Mask* mask) const;
  absl::Status AddReplacePaths(const plan_file::ResourceInstanceChange& change, const Place& place,
                               ValueArena* arena, v1::ResourceChange* view);
  ValueChanges Find(const Values& values, const Mask& mask, ContentHasher* fingerprint);
  void Take(const ValueArena& arena) { left_.value_nodes = arena.nodes_left(); }

  const SavedPlan& saved_;
  const SaltedDigest& salted_;
  const Limits& limits_;
  Limits left_;
  size_t detail_bytes_left_;
  SecretNameMemory names_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_
