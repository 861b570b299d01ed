#include "core/terraform/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

constexpr std::array<std::string_view, 25> kSpaces = {
    " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085", "\u00a0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

size_t SpaceInFront(std::string_view text) {
  for (const std::string_view space : kSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

size_t SpaceAtEnd(std::string_view text) {
  for (const std::string_view space : kSpaces) {
    if (text.ends_with(space)) return space.size();
  }
  return 0;
}

// Whether eight bytes at once are ASCII, as most of every plan is.
bool BeginsWithAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t bytes = 0;
  if (text.size() < sizeof bytes) return false;
  std::memcpy(&bytes, text.data(), sizeof bytes);
  return (bytes & kHighBits) == 0;
}

}  // namespace

size_t FirstInvalidUtf8(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    if (BeginsWithAscii(rest)) {
      rest.remove_prefix(sizeof(uint64_t));
    } else if (!text::TakeCodePoint(&rest).has_value()) {
      return text.size() - rest.size();
    }
  }
  return std::string_view::npos;
}

bool AppendUtf8(uint32_t code, std::string* out) {
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return false;
  const auto tail = [code](int shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += {static_cast<char>(0xc0 | (code >> 6)), tail(0)};
  } else if (code < 0x10000) {
    *out += {static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0)};
  } else {
    *out += {static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
  }
  return true;
}

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

std::string_view TrimUnicodeSpace(std::string_view text) {
  while (const size_t size = SpaceInFront(text)) text.remove_prefix(size);
  while (const size_t size = SpaceAtEnd(text)) text.remove_suffix(size);
  return text;
}

}  // namespace countersign::terraform
