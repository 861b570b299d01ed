#include "core/terraform/hcl_scanner.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

int LineOf(std::string_view text, size_t at) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// The part of one text from the beginning of `first` up to, not including, the beginning of `last`.
std::string_view Between(std::string_view text, std::string_view first, std::string_view last) {
  const auto begin = static_cast<size_t>(first.data() - text.data());
  return text.substr(begin, static_cast<size_t>(last.data() - first.data()));
}

// One pass over one file.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file, const Limits& limits)
      : text_(text),
        lexer_(text, HclLexer::Language::kBody, limits.bracket_depth, 1),
        builder_(file, limits, &source_) {}

  absl::StatusOr<ConfigurationSource> Scan() {
    while (!done_) {
      if (absl::Status scanned = ScanItem(); !scanned.ok()) return scanned;
    }
    source_.blocks[SourceBlock::kRoot].body = text_;
    return std::move(source_);
  }

 private:
  absl::Status Read() {
    if (lexer_.Next(&token_)) return absl::OkStatus();
    return builder_.Refuse(lexer_.line(), lexer_.problem());
  }

  // One argument, the head of a block, the end of a block, an empty line, or the end of the file.
  absl::Status ScanItem() {
    if (absl::Status read = Read(); !read.ok()) return read;
    switch (token_.kind) {
      case Kind::kNewline:
        return absl::OkStatus();
      case Kind::kEnd:
        done_ = true;
        return absl::OkStatus();
      case Kind::kClose:
        return CloseBlock();
      case Kind::kIdentifier:
        break;
      default:
        return builder_.Refuse(token_.line, "an argument or a block was expected");
    }
    const HclToken name = token_;
    if (absl::Status read = Read(); !read.ok()) return read;
    if (token_.Is(Kind::kOperator, "=")) return ScanArgument(name, false);
    return ScanBlockHead(name);
  }

  absl::Status ScanBlockHead(const HclToken& type) {
    SourceBlock block;
    block.parent = open_.empty() ? SourceBlock::kRoot : open_.back();
    block.line = type.line;
    block.type = type.text;
    while (!token_.Is(Kind::kOpen, "{")) {
      if (token_.kind == Kind::kIdentifier) {
        block.labels.push_back(token_.text);
      } else if (token_.kind != Kind::kQuote) {
        return builder_.Refuse(token_.line, "the name of a block is not followed by labels and a brace");
      } else if (absl::Status label = ScanLabel(&block); !label.ok()) {
        return label;
      }
      if (absl::Status read = Read(); !read.ok()) return read;
    }
    block.body = token_.text;  // Where it begins; CloseBlock() knows where it ends.
    if (absl::Status added = builder_.AddBlock(std::move(block)); !added.ok()) return added;
    open_.push_back(builder_.last_block());
    return ScanBehindBrace();
  }

  absl::Status ScanLabel(SourceBlock* block) {
    std::string label;
    while (true) {
      if (absl::Status read = Read(); !read.ok()) return read;
      if (token_.kind == Kind::kQuoteEnd) break;
      if (token_.kind != Kind::kLiteral || !AppendUnescaped(token_.text, true, &label)) {
        return builder_.Refuse(token_.line, "the label of a block is not a plain text");
      }
    }
    block->labels.push_back(builder_.Keep(std::move(label)));
    return absl::OkStatus();
  }

  // A block goes on in the next lines, or is empty, or holds one argument and ends in the same line.
  absl::Status ScanBehindBrace() {
    if (absl::Status read = Read(); !read.ok()) return read;
    if (token_.kind == Kind::kNewline) return absl::OkStatus();
    if (token_.kind == Kind::kClose) return CloseBlock();
    const HclToken name = token_;
    if (absl::Status read = Read(); !read.ok()) return read;
    if (name.kind != Kind::kIdentifier || !token_.Is(Kind::kOperator, "=")) {
      return builder_.Refuse(name.line, "a block in one line holds something else than one argument");
    }
    return ScanArgument(name, true);
  }

  // Up to the end of the line, or of the block when that is in the same line.
  absl::Status ScanArgument(const HclToken& name, bool in_one_line) {
    const uint32_t block = open_.empty() ? SourceBlock::kRoot : open_.back();
    if (absl::Status added = builder_.AddAttribute(block, name.line, name.text); !added.ok()) return added;
    const size_t depth = lexer_.depth();
    builder_.BeginExpression(text_);
    std::string_view first;
    std::string_view last;
    while (true) {
      if (absl::Status read = Read(); !read.ok()) return read;
      const bool ends_line = token_.kind == Kind::kNewline || token_.kind == Kind::kEnd;
      if (lexer_.depth() < depth || (lexer_.depth() == depth && ends_line)) break;
      if (absl::Status added = builder_.AddToken(token_); !added.ok()) return added;
      if (first.data() == nullptr) first = token_.text;
      last = token_.text;
    }
    if (first.data() == nullptr) return builder_.Refuse(name.line, "an argument has no value");
    builder_.attribute(builder_.last_attribute()).expression =
        Between(text_, first, last.substr(last.size()));
    if ((token_.kind == Kind::kClose) != in_one_line) {
      return builder_.Refuse(token_.line, "an argument does not end where its line or its block does");
    }
    if (token_.kind == Kind::kEnd) done_ = true;
    return in_one_line ? CloseBlock() : absl::OkStatus();
  }

  // The lexer has seen to it that the bracket is the one that opened the block.
  absl::Status CloseBlock() {
    if (open_.empty()) return builder_.Refuse(token_.line, "a block closes that was not opened");
    SourceBlock& block = builder_.block(open_.back());
    block.body = Between(text_, block.body, token_.text).substr(1);
    open_.pop_back();
    if (absl::Status read = Read(); !read.ok()) return read;
    if (token_.kind != Kind::kNewline && token_.kind != Kind::kEnd) {
      return builder_.Refuse(token_.line, "a block does not end with the end of its line");
    }
    done_ = token_.kind == Kind::kEnd;
    return absl::OkStatus();
  }

  std::string_view text_;
  ConfigurationSource source_;
  HclLexer lexer_;
  SourceBuilder builder_;
  HclToken token_;
  std::vector<uint32_t> open_;  // The blocks around what is read next, the outermost first.
  bool done_ = false;
};

}  // namespace

absl::StatusOr<ConfigurationSource> ScanHcl(std::string_view text, std::string_view file,
                                            const Limits& limits) {
  text::ConsumePrefix(&text, kByteOrderMark);
  if (absl::Status checked = CheckText(text, file); !checked.ok()) return checked;
  return Scanner(text, file, limits).Scan();
}

absl::Status CheckText(std::string_view text, std::string_view file) {
  const size_t invalid = std::min({FirstInvalidUtf8(text), text.find('\0'), text.find(kByteOrderMark)});
  if (invalid == std::string_view::npos) return absl::OkStatus();
  return Unreadable(text::Concat(file, ":", LineOf(text, invalid)), "is not plain UTF-8 text");
}

}  // namespace countersign::terraform
