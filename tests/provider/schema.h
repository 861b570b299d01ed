// What resource types and data sources look like: the one table that Terraform is told, plans are made by and
// values are completed by.
#ifndef COUNTERSIGN_TESTS_PROVIDER_SCHEMA_H_
#define COUNTERSIGN_TESTS_PROVIDER_SCHEMA_H_

#include <string>
#include <utility>
#include <vector>

#include "tests/provider/value.h"

namespace countersign::provider {

// What an attribute is, as a sum of these.
enum AttributeFlags : int {
  kRequired = 1,
  kOptional = 2,
  kComputed = 4,
  kSensitive = 8,
  kReplaces = 16,  // Another value needs another object.
};

struct AttributeSchema {
  std::string name;
  std::string type;  // As JSON, see kText and the like.
  int flags = kOptional;

  bool Is(AttributeFlags flag) const { return (flags & flag) != 0; }
};

inline constexpr char kText[] = R"("string")";
inline constexpr char kNumber[] = R"("number")";
inline constexpr char kBool[] = R"("bool")";
inline constexpr char kTextList[] = R"(["list","string"])";
inline constexpr char kTextSet[] = R"(["set","string"])";
inline constexpr char kTextMap[] = R"(["map","string"])";

enum class Nesting { kSingle = 1, kList = 2, kSet = 3, kMap = 4 };

struct NestedBlock;

struct Block {
  std::vector<AttributeSchema> attributes;
  std::vector<NestedBlock> blocks;
};

struct NestedBlock {
  std::string name;
  Nesting nesting = Nesting::kList;
  Block block;
  int min_items = 0;
  int max_items = 0;  // 0: any number.
};

struct ResourceType {
  std::string name;
  std::string service;    // As in an ARN.
  std::string id_prefix;  // Of ids that are given out; unless there is id_attribute.
  std::string id_attribute;
  Block block;
  // (the attribute whose change makes another one unknown, that one)
  std::vector<std::pair<std::string, std::string>> unknown_after_change = {};
};

// With every attribute of the schema, null where it was absent and empty for lists, sets and maps of blocks;
// and with none that the schema does not have. Null stays null.
Json Complete(const Block& block, const Json& value);

// What becomes of `proposed`: where the provider chooses, unknown in all that is new. `prior` null: all of
// it.
Json Plan(const ResourceType& type, const Json& prior, const Json& proposed);

// A path to an attribute: names as texts, places in lists as numbers.
using Path = std::vector<Json>;

// The changed attributes that need another object.
std::vector<Path> ReplacePaths(const Block& block, const Json& prior, const Json& planned);

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_SCHEMA_H_
