#include "server/proposal/characters.h"

#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace countersign::proposal {
namespace {

// The character at the start of `text`, which is not empty, and how many bytes it takes. A byte that starts
// no complete sequence stands for itself.
uint32_t Decode(std::string_view text, size_t* bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  *bytes = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (*bytes == 1) return first;
  if (*bytes > text.size()) {
    *bytes = 1;
    return first;
  }
  uint32_t character = first & (0xFFu >> (*bytes + 1));
  for (size_t i = 1; i < *bytes; ++i) character = character << 6 | (at(i) & 0x3Fu);
  return character;
}

bool IsControl(uint32_t character) {
  return (character < 0x20 && character != '\n' && character != '\t') ||
         (character >= 0x7F && character <= 0x9F);
}

bool ChangesDirection(uint32_t character) {
  return character == 0x061C || character == 0x200E || character == 0x200F ||
         (character >= 0x202A && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069);
}

}  // namespace

absl::Status CheckCharacters(std::string_view text, std::string_view field) {
  size_t bytes = 0;
  for (size_t i = 0; i < text.size(); i += bytes) {
    const uint32_t character = Decode(text.substr(i), &bytes);
    if (!IsControl(character) && !ChangesDirection(character)) continue;
    const std::string number = absl::AsciiStrToUpper(absl::StrCat(absl::Hex(character, absl::kZeroPad4)));
    return error::InvalidField(
        field, absl::StrCat("holds U+", number, " at byte ", i,
                            "; control characters other than newline and tab, and marks that change the "
                            "direction of text, are not allowed"));
  }
  return absl::OkStatus();
}

}  // namespace countersign::proposal
