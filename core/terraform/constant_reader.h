// Constants in the expressions of a configuration. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONSTANT_READER_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONSTANT_READER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/terraform/configuration_source.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// What all settings of one argument, or all blocks of one type, say together.
struct ArgumentNode {
  std::map<std::string, ArgumentNode*, std::less<>> members;  // Of all its objects.
  size_t objects = 0;     // How many blocks, and objects in values, it stands for.
  size_t settings = 0;    // How many of the objects around it have it.
  uint32_t set_last = 0;  // By which block.
  bool is_block = false;
  bool constant = true;  // Wherever it is set.
};

// Holds nodes, at most as many as the limits allow. They stay where they are. Not thread-safe.
class ArgumentNodes {
 public:
  explicit ArgumentNodes(const Limits& limits) : limits_(limits) {}

  ArgumentNode* New();
  // That of an argument of the objects of `around`, made where there is none.
  ArgumentNode* Member(ArgumentNode* around, std::string_view name);
  // There were to be more of them. What was answered from then on means nothing.
  bool full() const { return full_; }
  const Limits& limits() const { return limits_; }

 private:
  const Limits& limits_;
  std::deque<ArgumentNode> nodes_;
  ArgumentNode spare_;
  bool full_ = false;
};

// Whether an expression is certainly known while planning, and neither null nor empty: a number, a truth
// value, a text without anything to evaluate, or a tuple or an object of nothing else. Providers that use the
// older of the two libraries for them cannot tell an empty text or list from one that is not given, so that
// it may be unknown in an honest plan.
//
// Adds the names in its objects to `node`, those of the elements of a tuple to one and the same; where it
// says false, any part of them.
bool ReadConstant(const ConfigurationSource& source, const SourceAttribute& attribute, ArgumentNodes* nodes,
                  ArgumentNode* node);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONSTANT_READER_H_
