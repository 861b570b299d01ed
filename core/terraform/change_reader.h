// Single changes of a saved plan, as a view shows them. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_
#define COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/terraform/content_hasher.h"
#include "core/terraform/known_secrets.h"
#include "core/terraform/limits.h"
#include "core/terraform/masking.h"
#include "core/terraform/place.h"
#include "core/terraform/saved_plan.h"
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

// The value of a variable is shown nowhere.
struct ReadVariable {
  std::string name;
  std::string digest;         // Of its name and value, without what is masked.
  std::string salted_digest;  // Of its name and all of its value.
};

// Reads the changes of one plan one after another. What they need together is bounded by the limits. Borrows
// everything it is given. Not thread-safe. All errors: PLAN_UNREADABLE.
class ChangeReader {
 public:
  ChangeReader(const SavedPlan& saved, const SaltedDigest& salted, const SensitiveAttributes& sensitive,
               const Limits& limits);

  // `place` says where it stands in the plan.
  absl::StatusOr<ReadResource> Resource(const plan_file::ResourceInstanceChange& change, const Place& place);
  // What has happened already, and is not compared with the state.
  absl::StatusOr<ReadResource> Drift(const plan_file::ResourceInstanceChange& change, const Place& place);
  // Of what a data source says.
  absl::StatusOr<v1::ResourceChange> Data(const StateObject& before, const StateObject& after);
  absl::StatusOr<ReadOutput> Output(const plan_file::OutputChange& output, const Place& place);
  absl::StatusOr<ReadInvocation> Invocation(const plan_file::ActionInvocationInstance& invocation,
                                            bool deferred, const Place& place);
  // Of what is shown without its values, and of what is not shown at all: that Terraform could read it.
  absl::Status CheckDeferred(const plan_file::ResourceInstanceChange& change, const Place& place);
  absl::Status CheckPath(const plan_file::Path& path, const Place& place);
  // To be called before all the others: what is secret in variables is hidden wherever it stands in the plan.
  // `sensitive`: the names of those that are secret as a whole, sorted. `place` is that of the plan.
  absl::StatusOr<std::vector<ReadVariable>> Variables(
      const google::protobuf::RepeatedPtrField<plan_file::Variable>& variables,
      std::span<const std::string> sensitive, const Place& place);
  // A text of the plan as it can be shown: kHidden when it has a secret in it.
  std::string ShownText(std::string_view text) const;
  // What is known by now. Lives as long as this.
  KnownSecrets* secrets() { return &secrets_; }

 private:
  struct Values;

  absl::StatusOr<ReadResource> ReadChange(const plan_file::ResourceInstanceChange& change, const Place& place,
                                          bool happened);
  absl::StatusOr<Value> Decode(const std::string& bytes, ValueArena* arena, const Place& place);
  absl::Status CheckIdentities(const plan_file::Change& change, const Place& place, ValueArena* arena);
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
  size_t unchanged_bytes_left_;
  KnownSecrets secrets_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CHANGE_READER_H_
