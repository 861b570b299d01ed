// Paths into values, and sets of them.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PATH_H_
#define COUNTERSIGN_CORE_TERRAFORM_PATH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// One step down a value: to an attribute of an object, to the value of a map's key, or to an element of a
// list or tuple. A plain value; the name is borrowed.
struct PathStep {
  enum class Kind : uint8_t { kAttribute, kKey, kIndex };

  static PathStep Attribute(std::string_view name) { return {Kind::kAttribute, name, 0}; }
  static PathStep Key(std::string_view key) { return {Kind::kKey, key, 0}; }
  static PathStep Index(int64_t index) { return {Kind::kIndex, {}, index}; }

  Kind kind = Kind::kAttribute;
  std::string_view name;  // Of kAttribute and kKey. UTF-8.
  int64_t index = 0;      // Of kIndex.

  friend bool operator==(const PathStep&, const PathStep&) = default;
};

using Path = std::vector<PathStep>;

// `key` in quotes as Terraform writes it in addresses, appended to `out`: what cannot be seen is escaped, so
// the text fits one line and nothing in it moves the cursor or turns the writing direction. `key` must be
// UTF-8; other bytes become \ufffd.
//
// Code points that no version of Unicode has assigned are taken for visible in the planes that have
// characters. Terraform escapes them, so that a key with one of them has another text here.
void AppendQuotedKey(std::string_view key, std::string* out);

// Takes a key in the form of AppendQuotedKey() off the front of `text`, or does nothing and says false. An
// escape of any code point outside ASCII is let pass, whether it is needed or not.
bool ConsumeQuotedKey(std::string_view* text);

// Takes a name as it stands in configurations and addresses off the front of `text`, or does nothing and says
// false: letters, digits, `_` and `-`, not a digit first; outside ASCII whatever can be seen.
bool ConsumeName(std::string_view* text);

// A path for people: `ingress[0].cidr_blocks`, `tags["a b"]`. An attribute that is no plain name is written
// as a key, in quotes. Empty for the whole value.
std::string ToText(std::span<const PathStep> path);

// A set of paths, to walk a value and all paths into it at once, whatever their number. Attributes and keys
// of one name are the same, because values do not tell objects and maps apart. Copies the names. Movable;
// unusable once moved from. Not thread-safe while it is built, thread-safe afterwards.
class PathTrie {
 public:
  using Step = PathStep;

  class Node {
   public:
    // Where the step leads; null pointer when no path takes it.
    const Node* Child(std::string_view name) const;
    const Node* Child(int64_t index) const;
    // Whether a path ends here: what is meant is this value with everything below it.
    bool marked() const { return marked_; }

   private:
    friend class PathTrie;
    friend bool HasMark(const Node& node);

    std::map<std::string, Node*, std::less<>> names_;
    std::map<int64_t, Node*> indexes_;
    bool marked_ = false;
  };

  // Holds at most `limits.path_steps` steps of all paths together, and paths of at most `limits.value_depth`.
  // `place` says in errors whose paths they are.
  PathTrie(const Limits& limits, std::string_view place);
  PathTrie(PathTrie&&) = default;
  PathTrie& operator=(PathTrie&&) = default;

  // Adds a path; the empty one means all of the value. Adding one again changes nothing but is charged again.
  // Errors: PLAN_UNREADABLE when it is over a limit; the set is then as it was.
  absl::Status Insert(std::span<const Step> path);

  // Never null; without any path a node that has neither a mark nor children. Lives as long as the set.
  const Node* root() const { return &nodes_.front(); }

 private:
  Node* Descend(Node* from, const Step& step);

  std::deque<Node> nodes_;  // The first is the root. Nodes stay where they are.
  size_t steps_left_;
  size_t depth_;
  std::string place_;
};

// Whether the value at `node` holds anything that is marked: itself, or something below it. Takes constant
// time.
bool HasMark(const PathTrie::Node& node);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PATH_H_
