#include "core/terraform/hcl_lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/terraform/utf8.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsIdentifierStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsIdentifierPart(char c) { return IsIdentifierStart(c) || IsDigit(c) || c == '-'; }

// The end of the identifier that starts at `at`. Terraform allows the letters and digits of Unicode. This
// allows everything beyond ASCII: what Terraform does not allow there makes it refuse the whole file.
size_t EndOfIdentifier(std::string_view text, size_t at) {
  while (at < text.size() && IsIdentifierPart(text[at])) ++at;
  return at;
}

size_t EndOfDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

size_t EndOfNumber(std::string_view text, size_t at) {
  at = EndOfDigits(text, at);
  if (at + 1 < text.size() && text[at] == '.' && IsDigit(text[at + 1])) at = EndOfDigits(text, at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t digits = at + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    const size_t end = EndOfDigits(text, digits);
    if (end > digits) at = end;
  }
  return at;
}

// How long the end of line at `at` is: 0 when there is none.
size_t NewlineAt(std::string_view text, size_t at) {
  if (at < text.size() && text[at] == '\n') return 1;
  return text.substr(at, 2) == "\r\n" ? 2 : 0;
}

bool IsSequence(std::string_view text, size_t at) {
  return at + 1 < text.size() && (text[at] == '$' || text[at] == '%') && text[at + 1] == '{';
}

// $${ and %%{ stand for ${ and %{.
bool IsEscapedSequence(std::string_view text, size_t at) {
  return IsSequence(text, at + 1) && text[at] == text[at + 1];
}

std::optional<uint32_t> Hexadecimal(std::string_view digits) {
  uint32_t value = 0;
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (IsDigit(c)) {
      value = value * 16 + static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// The length of the escape that starts with the backslash at `at`: 0 when there is no such escape.
size_t EscapeAt(std::string_view text, size_t at) {
  switch (at + 1 < text.size() ? text[at + 1] : '\0') {
    case 'n':
    case 'r':
    case 't':
    case '"':
    case '\\':
      return 2;
    case 'u':
      return at + 6 <= text.size() && Hexadecimal(text.substr(at + 2, 4)).has_value() ? 6 : 0;
    case 'U':
      return at + 10 <= text.size() && Hexadecimal(text.substr(at + 2, 8)).has_value() ? 10 : 0;
    default:
      return 0;
  }
}

}  // namespace

HclLexer::HclLexer(std::string_view text, Language language, size_t max_depth, int first_line)
    : text_(text), line_(first_line), max_depth_(max_depth) {
  if (language == Language::kTemplate) open_.push_back({Open::Kind::kText, true, {}});
}

bool HclLexer::Next(HclToken* token) {
  if (!problem_.empty()) return false;
  if (open_.empty()) return NextInBody(token);
  switch (open_.back().kind) {
    case Open::Kind::kQuote:
      return NextInQuote(token);
    case Open::Kind::kHeredoc:
      return NextInHeredoc(token);
    case Open::Kind::kText:
      return NextInTemplate(token);
    case Open::Kind::kBrace:
    case Open::Kind::kBracket:
    case Open::Kind::kParenthesis:
    case Open::Kind::kSequence:
      return NextInBody(token);
  }
  return Fail("is not understood");
}

bool HclLexer::NextInBody(HclToken* token) {
  if (!SkipBlanks()) return false;
  if (at_ >= text_.size()) return Finish(token);
  if (const size_t size = NewlineAt(text_, at_); size > 0) return Take(token, Kind::kNewline, size);
  const char c = text_[at_];
  if (c == '#' || StartsWith("//")) {
    // A comment goes on to the end of its line, which then ends what stands before it.
    at_ = std::min(text_.find('\n', at_), text_.size());
    return at_ < text_.size() ? Take(token, Kind::kNewline, 1) : Finish(token);
  }
  if (IsIdentifierStart(c)) return Take(token, Kind::kIdentifier, EndOfIdentifier(text_, at_) - at_);
  if (IsDigit(c)) return Take(token, Kind::kNumber, EndOfNumber(text_, at_) - at_);
  switch (c) {
    case '{':
      return TakeOpening(token, Open::Kind::kBrace);
    case '[':
      return TakeOpening(token, Open::Kind::kBracket);
    case '(':
      return TakeOpening(token, Open::Kind::kParenthesis);
    case '}':
      return TakeClosing(token, Open::Kind::kBrace);
    case ']':
      return TakeClosing(token, Open::Kind::kBracket);
    case ')':
      return TakeClosing(token, Open::Kind::kParenthesis);
    case '"':
      return Push({Open::Kind::kQuote, true, {}}) && Take(token, Kind::kQuote, 1);
    case '~':
      if (open_.empty() || open_.back().kind != Open::Kind::kSequence || At(at_ + 1) != '}') break;
      open_.pop_back();
      return Take(token, Kind::kTemplateClose, 2);
    default:
      break;
  }
  if (StartsWith("<<")) return TakeHeredocStart(token);
  return TakeOperator(token);
}

// Spaces, tabs and comments of the /* */ kind, which do not end a line even where they hold one.
bool HclLexer::SkipBlanks() {
  while (at_ < text_.size()) {
    if (text_[at_] == ' ' || text_[at_] == '\t') {
      ++at_;
      continue;
    }
    if (!StartsWith("/*")) return true;
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return Fail("a comment does not end");
    line_ += static_cast<int>(std::count(text_.begin() + at_, text_.begin() + end, '\n'));
    at_ = end + 2;
  }
  return true;
}

bool HclLexer::TakeOperator(HclToken* token) {
  constexpr std::array<std::string_view, 9> kLong = {"...", "==", "!=", ">=", "<=", "&&", "||", "=>", "::"};
  for (const std::string_view one : kLong) {
    if (StartsWith(one)) return Take(token, Kind::kOperator, one.size());
  }
  if (std::string_view(".,:?=*<>!+-/%").find(text_[at_]) == std::string_view::npos) {
    return Fail("a character stands where the language has none like it");
  }
  return Take(token, Kind::kOperator, 1);
}

bool HclLexer::TakeHeredocStart(HclToken* token) {
  const size_t marker = at_ + (At(at_ + 2) == '-' ? 3 : 2);
  const bool named = marker < text_.size() && IsIdentifierStart(text_[marker]);
  const size_t end = named ? EndOfIdentifier(text_, marker) : marker;
  const size_t newline = named ? NewlineAt(text_, end) : 0;
  if (newline == 0) return Fail("a heredoc does not begin with a marker alone on its line");
  if (!Push({Open::Kind::kHeredoc, true, text_.substr(marker, end - marker)})) return false;
  return Take(token, Kind::kHeredoc, end + newline - at_);
}

bool HclLexer::TakeOpening(HclToken* token, Open::Kind kind) {
  return Push({kind, true, {}}) && Take(token, Kind::kOpen, 1);
}

bool HclLexer::TakeClosing(HclToken* token, Open::Kind kind) {
  const bool ends_sequence =
      kind == Open::Kind::kBrace && !open_.empty() && open_.back().kind == Open::Kind::kSequence;
  if (!ends_sequence && (open_.empty() || open_.back().kind != kind)) {
    return Fail("a bracket closes that was not opened");
  }
  open_.pop_back();
  return Take(token, ends_sequence ? Kind::kTemplateClose : Kind::kClose, 1);
}

bool HclLexer::TakeSequence(HclToken* token) {
  if (!open_.empty()) open_.back().at_line_start = false;
  const size_t size = At(at_ + 2) == '~' ? 3 : 2;
  return Push({Open::Kind::kSequence, true, {}}) && Take(token, Kind::kTemplateOpen, size);
}

bool HclLexer::NextInQuote(HclToken* token) {
  if (at_ >= text_.size()) return Fail("a string does not end");
  if (text_[at_] == '"') {
    open_.pop_back();
    return Take(token, Kind::kQuoteEnd, 1);
  }
  if (IsSequence(text_, at_)) return TakeSequence(token);
  if (IsEscapedSequence(text_, at_)) return Take(token, Kind::kLiteral, 3);
  if (text_[at_] == '\\') {
    const size_t size = EscapeAt(text_, at_);
    return size > 0 ? Take(token, Kind::kLiteral, size) : Fail("a string holds an unknown escape");
  }
  size_t end = at_;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' && text_[end] != '\n' &&
         !IsSequence(text_, end) && !IsEscapedSequence(text_, end)) {
    ++end;
  }
  if (end == at_ || At(end) == '\n') return Fail("a string goes over the end of its line");
  return Take(token, Kind::kLiteral, end - at_);
}

bool HclLexer::NextInHeredoc(HclToken* token) {
  if (at_ >= text_.size()) return Fail("a heredoc does not end");
  if (IsSequence(text_, at_)) return TakeSequence(token);
  size_t end = at_;
  while (end < text_.size() && text_[end] != '\n' && !IsSequence(text_, end)) {
    end += IsEscapedSequence(text_, end) ? 3 : 1;
  }
  Open& heredoc = open_.back();
  if (At(end) != '\n') {
    heredoc.at_line_start = false;
    return Take(token, Kind::kLiteral, end - at_);
  }
  if (heredoc.at_line_start && TrimUnicodeSpace(text_.substr(at_, end - at_)) == heredoc.marker) {
    open_.pop_back();
    const bool carriage_return = end > at_ && text_[end - 1] == '\r';
    return Take(token, Kind::kHeredocEnd, end - at_ - (carriage_return ? 1 : 0));
  }
  heredoc.at_line_start = true;
  return Take(token, Kind::kLiteral, end + 1 - at_);
}

bool HclLexer::NextInTemplate(HclToken* token) {
  if (at_ >= text_.size()) return Take(token, Kind::kEnd, 0);
  if (IsSequence(text_, at_)) return TakeSequence(token);
  if (IsEscapedSequence(text_, at_)) return Take(token, Kind::kLiteral, 3);
  size_t end = at_;
  while (end < text_.size() && !IsSequence(text_, end) && !IsEscapedSequence(text_, end)) ++end;
  return Take(token, Kind::kLiteral, end - at_);
}

bool HclLexer::Finish(HclToken* token) {
  return open_.empty() ? Take(token, Kind::kEnd, 0) : Fail("a bracket is not closed");
}

bool HclLexer::Take(HclToken* token, HclToken::Kind kind, size_t size) {
  *token = {kind, text_.substr(at_, size), line_};
  line_ += static_cast<int>(std::count(token->text.begin(), token->text.end(), '\n'));
  at_ += size;
  return true;
}

bool HclLexer::Push(Open open) {
  if (open_.size() >= max_depth_) return Fail("brackets, strings and templates are nested too deeply");
  open_.push_back(open);
  return true;
}

bool HclLexer::Fail(std::string_view problem) {
  problem_ = problem;
  return false;
}

bool AppendUnescaped(std::string_view literal, bool quoted, std::string* out) {
  if (IsEscapedSequence(literal, 0)) {
    out->append(literal.substr(1));
    return true;
  }
  if (!quoted || !literal.starts_with('\\')) {
    out->append(literal);
    return true;
  }
  switch (literal.size() > 1 ? literal[1] : '\0') {
    case 'n':
      out->push_back('\n');
      return true;
    case 'r':
      out->push_back('\r');
      return true;
    case 't':
      out->push_back('\t');
      return true;
    case '"':
    case '\\':
      out->push_back(literal[1]);
      return true;
    default: {
      const std::optional<uint32_t> code = Hexadecimal(literal.substr(2));
      return code.has_value() && AppendUtf8(*code, out);
    }
  }
}

}  // namespace countersign::terraform
