// Which of an object's values must not be shown. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_MASKING_H_
#define COUNTERSIGN_CORE_TERRAFORM_MASKING_H_

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/terraform/known_secrets.h"
#include "core/terraform/limits.h"
#include "core/terraform/path.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

// Knows what is sensitive in one object, before and after a change: what is marked, in either value or in a
// state, or listed for its type; what is named like a secret, or stands beside such a name as in {name =
// "DB_PASSWORD", value = …}; texts that look like secrets; texts that are the same as one of those, and texts
// that have a secret of the plan in them; all of that in base64, too. Truth values are hidden only where they
// are marked.
//
// Borrows the texts of paths and values. Not thread-safe while it is built.
class Mask {
 public:
  // Where one stands in the object. Cheap to copy; valid as long as the mask.
  class Cursor {
   public:
    // What a member of mappings has; `before` and `after` are the two that it stands in, each perhaps none.
    Cursor Member(std::string_view name, const Value& before, const Value& after) const;
    Cursor Element(size_t index) const;

    // All of the value here is marked, on either side.
    bool marked() const { return marked_before_ || marked_after_; }
    bool marked_after_only() const { return marked_after_ && !marked_before_; }
    // Whether `value`, which stands here, is not to be shown at all. What is within it is another question.
    bool Hides(const Value& value) const;

   private:
    friend class Mask;
    Cursor Below(const PathTrie::Node* before, const PathTrie::Node* after) const;

    const Mask* mask_ = nullptr;
    const PathTrie::Node* before_ = nullptr;  // Null pointers where no mark is here or below.
    const PathTrie::Node* after_ = nullptr;
    bool marked_before_ = false;
    bool marked_after_ = false;
    bool named_ = false;
    size_t depth_ = 0;
  };

  // `resource_type` is empty for what is no resource. `place` says in errors whose paths they are. `secrets`
  // is borrowed, and can serve any number of masks one after another.
  Mask(const Limits& limits, std::string_view place, std::string_view resource_type, KnownSecrets* secrets);

  // Errors: PLAN_UNREADABLE when there are too many.
  absl::Status MarkBefore(std::span<const PathStep> path) { return before_.Insert(path); }
  absl::Status MarkAllBefore(std::span<const Path> paths);
  absl::Status MarkAfter(std::span<const PathStep> path) { return after_.Insert(path); }
  // What holds the value is named so: an output.
  void SetName(std::string_view name);
  // To be called last: remembers what is secret in these values, to know it where else it stands in them.
  void Learn(const Value& before, const Value& after);

  Cursor root() const;
  // The texts that were learned. They live as long as the values.
  const std::set<std::string_view>& copies() const { return copies_; }

 private:
  void Learn(const Value& value, const Cursor& cursor, bool hidden);

  PathTrie before_;
  PathTrie after_;
  std::string_view resource_type_;
  KnownSecrets* secrets_;
  const std::set<std::string, std::less<>>* listed_ = nullptr;  // Attributes that are as if they were marked.
  bool named_ = false;
  std::set<std::string_view> copies_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_MASKING_H_
