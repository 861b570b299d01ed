// What stands in one file of a configuration, as text: nothing is evaluated.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_SOURCE_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/terraform/hcl_lexer.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

struct SourceBlock {
  static constexpr uint32_t kRoot = 0;  // The file itself, which has no type.
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t parent = kRoot;
  uint32_t depth = 0;  // 0 for the file, 1 for what stands directly in it.
  int line = 0;
  std::string_view type;
  std::vector<std::string_view> labels;  // Unescaped.
  std::string_view body;                 // The text between the braces.
  uint32_t first_attribute = kNone;      // Of those directly in it; the others follow by `next`.
};

struct SourceAttribute {
  uint32_t block = SourceBlock::kRoot;
  uint32_t next = SourceBlock::kNone;
  int line = 0;
  std::string_view name;
  std::string_view expression;  // The text, without blanks around it.
  const std::string* text =
      nullptr;  // In JSON, when it is a string: that, unescaped. In ConfigurationSource.
};

// A function that an expression calls, in templates and in heredocs too.
struct SourceCall {
  uint32_t attribute = 0;  // Of which expression.
  int line = 0;
  std::string_view scope;      // "provider" of provider::aws::arn_parse(); empty when there is none.
  std::string_view name;       // "arn_parse" of it.
  std::string_view function;   // All of it, as written.
  std::string_view arguments;  // The text with its parentheses.
};

// path.module and the like.
struct SourcePath {
  uint32_t attribute = 0;
  int line = 0;
  std::string_view name;  // "module".
};

// All of a file, in the order in which it stands there. Borrows the file's text. blocks[0] is the file.
struct ConfigurationSource {
  bool json = false;
  std::vector<SourceBlock> blocks;
  std::vector<SourceAttribute> attributes;
  std::vector<SourceCall> calls;
  std::vector<SourcePath> paths;
  std::deque<std::string> texts;  // What was escaped in the file, as far as something here points to it.

  // The first attribute of this name directly in a block; null pointer when there is none.
  const SourceAttribute* Find(uint32_t block, std::string_view name) const;
  // The text that an attribute is when it is one string without anything to evaluate.
  std::optional<std::string> LiteralOf(const SourceAttribute& attribute) const;
};

// The same of the first argument of a call.
std::optional<std::string> FirstLiteralArgument(const SourceCall& call);

// Makes a ConfigurationSource, within the limits. The errors name the place "{file}:{line}". Not thread-safe;
// borrows everything, which must outlive it.
class SourceBuilder {
 public:
  SourceBuilder(std::string_view file, const Limits& limits, ConfigurationSource* source);

  absl::Status AddBlock(SourceBlock block);
  absl::Status AddAttribute(uint32_t block, int line, std::string_view name);
  // Finds calls and paths in the expression of the last attribute: one BeginExpression() with the
  // text that the tokens are parts of, then its tokens.
  void BeginExpression(std::string_view text) {
    expression_ = text;
    step_ = Step::kOther;
    open_calls_.clear();
    depth_ = 0;
  }
  absl::Status AddToken(const HclToken& token);

  absl::Status Refuse(int line, std::string_view what) const;
  uint32_t last_block() const { return static_cast<uint32_t>(source_.blocks.size() - 1); }
  uint32_t last_attribute() const { return static_cast<uint32_t>(source_.attributes.size() - 1); }
  SourceBlock& block(uint32_t index) { return source_.blocks[index]; }
  SourceAttribute& attribute(uint32_t index) { return source_.attributes[index]; }
  // `text`, kept as long as the source is.
  const std::string& Keep(std::string text) { return source_.texts.emplace_back(std::move(text)); }
  const Limits& limits() const { return limits_; }

 private:
  // What the last token was, as far as a call or a path can begin with it.
  enum class Step : uint8_t { kOther, kDot, kName, kMember, kScope, kPathDot };

  absl::Status CountValue(int line);
  void TakeName(const HclToken& token);
  absl::Status AddCall(const HclToken& parenthesis);
  void EndCall(const HclToken& parenthesis);

  std::string_view file_;
  const Limits& limits_;
  ConfigurationSource& source_;
  size_t values_ = 0;
  std::vector<uint32_t> last_attribute_of_;  // By block.

  std::string_view expression_;
  Step step_ = Step::kOther;
  HclToken first_;         // The first part of the name that is being read.
  std::string_view name_;  // Its last part.
  size_t depth_ = 0;       // How many brackets are open.
  struct OpenCall {
    size_t call;
    size_t depth;
  };
  std::vector<OpenCall> open_calls_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONFIGURATION_SOURCE_H_
