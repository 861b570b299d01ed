// Looks up attributes in what a plan changes.
#ifndef COUNTERSIGN_CORE_FINDING_ATTRIBUTE_VALUES_H_
#define COUNTERSIGN_CORE_FINDING_ATTRIBUTE_VALUES_H_

#include <string>
#include <string_view>
#include <vector>

#include "countersign/v1/plan.pb.h"

namespace countersign::finding {

enum class Side { kBefore, kAfter };

// What stands at one attribute: the values of all its elements as plain texts, such as true, 7 or Enabled.
struct Values {
  // False when something is masked, cut short or known only after apply. Worst of all cases then.
  bool known = true;
  std::vector<std::string> texts;  // Without nulls.

  bool HasAny(const std::vector<std::string>& wanted) const;
};

// The path without indexes and keys: ingress[0].cidr_blocks[1] is ingress.cidr_blocks.
std::string WithoutIndexes(std::string_view path);

// Whether `attribute` tells about `wanted`, a path without indexes: it is that, or has that inside of it.
bool TellsAbout(const v1::AttributeChange& attribute, std::string_view wanted);
bool TellsAbout(const v1::UnchangedAttribute& attribute, std::string_view wanted);

// What `attribute`, which tells about `wanted`, says of it.
Values ValuesIn(const v1::AttributeChange& attribute, std::string_view wanted, Side side);
Values ValuesIn(const v1::UnchangedAttribute& attribute, std::string_view wanted);
// The same of those elements alone that have something at one of `beside`, where `attribute` is the list that
// `wanted` begins with. ValuesIn() where it is not, and where `beside` is empty.
Values ValuesBeside(const v1::AttributeChange& attribute, std::string_view wanted,
                    const std::vector<std::string>& beside, Side side);

// Of all attributes of a change that tell about `wanted`. Not known when there are none: of what is not
// replaced, values that stay are not in a plan's view.
Values ValuesOf(const v1::ResourceChange& change, std::string_view wanted, Side side);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_ATTRIBUTE_VALUES_H_
