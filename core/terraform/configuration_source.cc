#include "core/terraform/configuration_source.h"

#include <utility>

#include "core/terraform/unreadable.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

// Deeper than anything that was read before with a limit of its own.
constexpr size_t kAnyDepth = 1'000'000;

bool NextBeyondNewlines(HclLexer* lexer, HclToken* token) {
  do {
    if (!lexer->Next(token)) return false;
  } while (token->kind == Kind::kNewline);
  return true;
}

// What stands between a quote, which was read, and the one that closes it.
std::optional<std::string> RestOfString(HclLexer* lexer) {
  std::string text;
  HclToken token;
  while (lexer->Next(&token)) {
    if (token.kind == Kind::kQuoteEnd) return text;
    if (token.kind != Kind::kLiteral || !AppendUnescaped(token.text, true, &text)) break;
  }
  return std::nullopt;
}

std::optional<std::string> LiteralOfTemplate(std::string_view text) {
  HclLexer lexer(text, HclLexer::Language::kTemplate, kAnyDepth, 1);
  std::string literal;
  HclToken token;
  while (lexer.Next(&token)) {
    if (token.kind == Kind::kEnd) return literal;
    if (token.kind != Kind::kLiteral || !AppendUnescaped(token.text, false, &literal)) break;
  }
  return std::nullopt;
}

}  // namespace

const SourceAttribute* ConfigurationSource::Find(uint32_t block, std::string_view name) const {
  for (uint32_t at = blocks[block].first_attribute; at != SourceBlock::kNone; at = attributes[at].next) {
    if (attributes[at].name == name) return &attributes[at];
  }
  return nullptr;
}

std::optional<std::string> ConfigurationSource::LiteralOf(const SourceAttribute& attribute) const {
  if (json) return attribute.text == nullptr ? std::nullopt : LiteralOfTemplate(*attribute.text);
  HclLexer lexer(attribute.expression, HclLexer::Language::kBody, kAnyDepth, attribute.line);
  HclToken token;
  if (!lexer.Next(&token) || token.kind != Kind::kQuote) return std::nullopt;
  std::optional<std::string> text = RestOfString(&lexer);
  if (!lexer.Next(&token) || token.kind != Kind::kEnd) return std::nullopt;
  return text;
}

std::optional<std::string> FirstLiteralArgument(const SourceCall& call) {
  HclLexer lexer(call.arguments, HclLexer::Language::kBody, kAnyDepth, call.line);
  HclToken token;
  if (!lexer.Next(&token) || token.kind != Kind::kOpen) return std::nullopt;
  if (!NextBeyondNewlines(&lexer, &token) || token.kind != Kind::kQuote) return std::nullopt;
  std::optional<std::string> text = RestOfString(&lexer);
  if (!NextBeyondNewlines(&lexer, &token)) return std::nullopt;
  const bool ends = token.kind == Kind::kClose || token.Is(Kind::kOperator, ",");
  return ends ? text : std::nullopt;
}

SourceBuilder::SourceBuilder(std::string_view file, const Limits& limits, ConfigurationSource* source)
    : file_(file), limits_(limits), source_(*source) {
  source_.blocks.emplace_back();
  last_attribute_of_.push_back(SourceBlock::kNone);
}

absl::Status SourceBuilder::AddBlock(SourceBlock block) {
  block.depth = source_.blocks[block.parent].depth + 1;
  if (block.depth > limits_.block_depth) return Refuse(block.line, "blocks are nested too deeply");
  if (source_.blocks.size() > limits_.blocks) return Refuse(block.line, "there are too many blocks");
  for (const std::string_view label : block.labels) {
    if (label.size() > limits_.label_bytes) return Refuse(block.line, "the label of a block is too long");
  }
  source_.blocks.push_back(std::move(block));
  last_attribute_of_.push_back(SourceBlock::kNone);
  return absl::OkStatus();
}

absl::Status SourceBuilder::AddAttribute(uint32_t block, int line, std::string_view name) {
  if (absl::Status counted = CountValue(line); !counted.ok()) return counted;
  source_.attributes.push_back({block, SourceBlock::kNone, line, name, {}, nullptr});
  const uint32_t before = std::exchange(last_attribute_of_[block], last_attribute());
  (before == SourceBlock::kNone ? source_.blocks[block].first_attribute : source_.attributes[before].next) =
      last_attribute();
  return absl::OkStatus();
}

absl::Status SourceBuilder::AddToken(const HclToken& token) {
  if (token.kind == Kind::kNewline) return absl::OkStatus();
  if (token.kind == Kind::kIdentifier) {
    TakeName(token);
    return absl::OkStatus();
  }
  if (token.kind == Kind::kOpen) depth_ += 1;
  if (token.kind == Kind::kClose) EndCall(token);
  const Step before = std::exchange(step_, Step::kOther);
  const bool named = before == Step::kName || before == Step::kMember;
  if (named && token.Is(Kind::kOpen, "(")) return AddCall(token);
  if (named && token.Is(Kind::kOperator, "::")) step_ = Step::kScope;
  if (token.Is(Kind::kOperator, ".")) {
    const bool path = before == Step::kName && first_.text == "path" && name_.data() == first_.text.data();
    step_ = path ? Step::kPathDot : Step::kDot;
  }
  return absl::OkStatus();
}

void SourceBuilder::TakeName(const HclToken& token) {
  const Step before = std::exchange(step_, Step::kName);
  name_ = token.text;
  if (before == Step::kScope) return;
  first_ = token;
  if (before == Step::kDot || before == Step::kPathDot) step_ = Step::kMember;
  if (before == Step::kPathDot) source_.paths.push_back({last_attribute(), token.line, token.text});
}

absl::Status SourceBuilder::AddCall(const HclToken& parenthesis) {
  if (absl::Status counted = CountValue(first_.line); !counted.ok()) return counted;
  const auto begin = static_cast<size_t>(first_.text.data() - expression_.data());
  const auto end = static_cast<size_t>(name_.data() + name_.size() - expression_.data());
  const auto arguments = static_cast<size_t>(parenthesis.text.data() - expression_.data());
  const bool scoped = name_.data() != first_.text.data();
  source_.calls.push_back({last_attribute(), first_.line, scoped ? first_.text : std::string_view(), name_,
                           expression_.substr(begin, end - begin), expression_.substr(arguments)});
  open_calls_.push_back({source_.calls.size() - 1, depth_});
  return absl::OkStatus();
}

void SourceBuilder::EndCall(const HclToken& parenthesis) {
  if (!open_calls_.empty() && open_calls_.back().depth == depth_) {
    std::string_view& arguments = source_.calls[open_calls_.back().call].arguments;
    arguments = arguments.substr(
        0, static_cast<size_t>(parenthesis.text.data() + parenthesis.text.size() - arguments.data()));
    open_calls_.pop_back();
  }
  depth_ -= 1;
}

absl::Status SourceBuilder::CountValue(int line) {
  if (++values_ > limits_.configuration_values) return Refuse(line, "there are too many values");
  return absl::OkStatus();
}

absl::Status SourceBuilder::Refuse(int line, std::string_view what) const {
  return Unreadable(text::Concat(file_, ":", line), what);
}

}  // namespace countersign::terraform
