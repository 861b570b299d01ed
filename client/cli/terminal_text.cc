#include "client/cli/terminal_text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "core/text/utf8.h"

namespace countersign::cli {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// Characters that are invisible, change the direction or the meaning of others, or pass for a space.
constexpr Range kDeceptive[] = {
    {0x0000, 0x001f},    // control
    {0x007f, 0x00a0},    // delete, control, no-break space
    {0x00ad, 0x00ad},    // soft hyphen
    {0x0335, 0x0338},    // strokes through the character before
    {0x034f, 0x034f},    // grapheme joiner
    {0x0488, 0x0489},    // signs around the character before
    {0x0600, 0x0605},    // Arabic signs under the characters after
    {0x061c, 0x061c},    // Arabic letter mark
    {0x06dd, 0x06dd},    // Arabic sign around the characters after
    {0x070f, 0x070f},    // Syriac sign over the characters after
    {0x0890, 0x0891},    // Arabic signs over the characters after
    {0x08e2, 0x08e2},    // Arabic sign around the characters after
    {0x115f, 0x1160},    // Hangul fillers
    {0x1680, 0x1680},    // Ogham space
    {0x17b4, 0x17b5},    // Khmer inherent vowels
    {0x180b, 0x180f},    // Mongolian selectors
    {0x2000, 0x200f},    // spaces, zero-width characters, direction marks
    {0x2028, 0x202f},    // separators, direction embeddings and overrides
    {0x205f, 0x206f},    // spaces, invisible operators, direction isolates
    {0x20d0, 0x20f0},    // strokes through, signs over and around the character before
    {0x2800, 0x2800},    // blank Braille
    {0x3000, 0x3000},    // ideographic space
    {0x3164, 0x3164},    // Hangul filler
    {0xd800, 0xf8ff},    // surrogates, private use
    {0xfe00, 0xfe0f},    // variation selectors
    {0xfeff, 0xfeff},    // zero-width no-break space
    {0xffa0, 0xffa0},    // Hangul filler
    {0xfff0, 0xffff},    // specials
    {0x110bd, 0x110bd},  // Kaithi sign over the characters after
    {0x110cd, 0x110cd},  // the same
    {0x1bca0, 0x1bca3},  // shorthand format controls
    {0x1d173, 0x1d17a},  // musical format controls
    {0xe0000, 0x10ffff}  // tags, more variation selectors, private use
};

// Two columns wide on some terminals at least.
constexpr Range kWide[] = {
    {0x1100, 0x115f},    // Hangul
    {0x2300, 0x27bf},    // symbols, some of them emoji
    {0x2900, 0x2bff},    // arrows and symbols, some of them emoji
    {0x2e80, 0xa4cf},    // Chinese, Japanese, Korean, Yi
    {0xa960, 0xa97f},    // Hangul
    {0xac00, 0xd7ff},    // Hangul
    {0xf900, 0xfaff},    // Chinese
    {0xfdf0, 0xfdff},    // Arabic words in one character
    {0xfe10, 0xfe6f},    // vertical and small forms
    {0xff00, 0xff60},    // full-width forms
    {0xffe0, 0xffe6},    // full-width signs
    {0x12000, 0x14fff},  // cuneiform, hieroglyphs
    {0x16fe0, 0x1b2ff},  // Tangut, Khitan, kana
    {0x1f000, 0x1ffff},  // emoji
    {0x20000, 0x3ffff},  // Chinese
};

template <size_t kSize>
bool IsIn(const Range (&ranges)[kSize], uint32_t point) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [point](const Range& range) { return range.first <= point && point <= range.last; });
}

bool IsDeceptive(uint32_t point) { return IsIn(kDeceptive, point); }

size_t ColumnsOf(uint32_t point) { return IsIn(kWide, point) ? 2 : 1; }

constexpr uint32_t kReplacement = 0xfffd;

struct CodePoint {
  uint32_t value;
  size_t bytes;
};

// The first code point of `text`, nothing if it is not valid UTF-8 (overlong forms and surrogates included).
std::optional<CodePoint> Decode(std::string_view text) {
  const size_t before = text.size();
  const auto point = text::TakeCodePoint(&text);
  if (!point.has_value()) return std::nullopt;
  return CodePoint{*point, before - text.size()};
}

std::string Escaped(uint32_t point) {
  if (point == '\n') return "\\n";
  if (point == '\t') return "\\t";
  if (point == '\r') return "\\r";
  char text[16];
  std::snprintf(text, sizeof(text),
                point < 0x80      ? "\\x%02x"
                : point < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                point);
  return text;
}

// In UTF-16, as JSON has it.
void AppendJsonEscape(uint32_t point, std::string* text) {
  char escape[16];
  if (point < 0x10000) {
    std::snprintf(escape, sizeof(escape), "\\u%04x", point);
  } else {
    std::snprintf(escape, sizeof(escape), "\\u%04x\\u%04x", 0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
  }
  text->append(escape);
}

std::string EscapedByte(char byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "\\x%02x", static_cast<unsigned char>(byte));
  return text;
}

// Calls `good` with each code point and its bytes, `bad` with each byte that is none.
template <typename Good, typename Bad>
void ForEach(std::string_view text, const Good& good, const Bad& bad) {
  while (!text.empty()) {
    const auto point = Decode(text);
    if (point.has_value()) {
      good(point->value, text.substr(0, point->bytes));
    } else {
      bad(text[0]);
    }
    text.remove_prefix(point.has_value() ? point->bytes : 1);
  }
}

// How much of the start of `text` is at most `width` columns.
size_t BytesThatFit(std::string_view text, size_t width) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const auto point = Decode(text.substr(bytes));
    const size_t columns = point.has_value() ? ColumnsOf(point->value) : 1;
    if (columns > width) break;
    width -= columns;
    bytes += point.has_value() ? point->bytes : 1;
  }
  return bytes;
}

bool IsShellSafe(std::string_view text) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  return !text.empty() && text.find_first_not_of(kSafe) == std::string_view::npos;
}

std::string DollarQuote(std::string_view argument, bool ascii_only) {
  std::string out = "$'";
  ForEach(
      argument,
      [&](uint32_t point, std::string_view bytes) {
        if (IsDeceptive(point) || (ascii_only && point >= 0x80)) {
          out += Escaped(point);
        } else {
          if (point == '\'' || point == '\\') out += '\\';
          out += bytes;
        }
      },
      [&](char byte) { out += EscapedByte(byte); });
  return out + "'";
}

}  // namespace

std::string EscapeLine(std::string_view text) {
  std::string out;
  ForEach(
      text,
      [&](uint32_t point, std::string_view bytes) {
        out += IsDeceptive(point) ? Escaped(point) : std::string(bytes);
      },
      [&](char byte) { out += EscapedByte(byte); });
  return out;
}

std::vector<std::string> EscapeLines(std::string_view text) {
  std::vector<std::string> lines;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  while (true) {
    const size_t end = text.find('\n');
    std::string line;
    for (const char c : text.substr(0, end)) line += c == '\t' ? std::string(4, ' ') : std::string(1, c);
    lines.push_back(EscapeLine(line));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string EscapeJson(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  ForEach(
      json,
      [&escaped](uint32_t point, std::string_view bytes) {
        if (point < 0x7f || !IsDeceptive(point)) {
          escaped.append(bytes);
        } else {
          AppendJsonEscape(point, &escaped);
        }
      },
      [&escaped](char) { AppendJsonEscape(kReplacement, &escaped); });
  return escaped;
}

bool IsPlain(std::string_view text) { return EscapeLine(text) == text; }

bool IsText(std::string_view text) {
  bool valid = true;
  ForEach(
      text, [&](uint32_t point, std::string_view) { valid = valid && point != 0; },
      [&](char) { valid = false; });
  return valid;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string ShellQuote(std::string_view argument) {
  if (IsShellSafe(argument)) return std::string(argument);
  if (!IsPlain(argument)) return DollarQuote(argument, false);
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string ShellQuoteAscii(std::string_view argument) {
  return IsAscii(argument) ? ShellQuote(argument) : DollarQuote(argument, true);
}

std::string ShellCommand(const std::vector<std::string>& arguments) {
  std::string out;
  for (const std::string& argument : arguments) {
    if (!out.empty()) out += ' ';
    out += ShellQuote(argument);
  }
  return out;
}

size_t Width(std::string_view text) {
  size_t width = 0;
  ForEach(
      text, [&](uint32_t point, std::string_view) { width += ColumnsOf(point); }, [&](char) { ++width; });
  return width;
}

std::string Shorten(std::string_view text, size_t width) {
  if (Width(text) <= width) return std::string(text);
  return std::string(text.substr(0, BytesThatFit(text, width - 1))) + "…";
}

std::vector<std::string> Wrap(std::string_view text, size_t width, Break where) {
  std::vector<std::string> lines;
  while (true) {
    size_t end = BytesThatFit(text, std::max<size_t>(width, 2));
    if (end == text.size()) break;
    const size_t space = text.substr(0, end).rfind(' ');
    const bool at_space = where == Break::kAtSpaces && space != std::string_view::npos;
    if (at_space) end = space + 1;
    // The spaces at which a line is broken would be seen by nobody.
    const size_t last = at_space ? text.substr(0, end).find_last_not_of(' ') : end - 1;
    lines.emplace_back(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
    text.remove_prefix(end);
  }
  lines.emplace_back(text);
  return lines;
}

}  // namespace countersign::cli
