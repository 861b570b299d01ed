// Text in UTF-8. Pure.
#ifndef COUNTERSIGN_CORE_TEXT_UTF8_H_
#define COUNTERSIGN_CORE_TEXT_UTF8_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace countersign::text {

// Takes one code point off the front of `text`, which is not empty. Nothing, and nothing taken, where RFC
// 3629 allows none: overlong forms, surrogates, anything above U+10FFFF, and truncated sequences.
inline std::optional<char32_t> TakeCodePoint(std::string_view* text) {
  const auto lead = static_cast<unsigned char>(text->front());
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC0 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF8 ? 4
                                      : 0;
  if (length == 0 || text->size() < length) return std::nullopt;
  char32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>((*text)[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    point = point << 6 | (byte & 0x3F);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kSmallest[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
    return std::nullopt;
  }
  text->remove_prefix(length);
  return point;
}

// As much of the front of `text` as fits into so many bytes; no sequence is cut in two.
inline std::string_view CutText(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  while (most_bytes > 0 && (static_cast<unsigned char>(text[most_bytes]) & 0xC0) == 0x80) --most_bytes;
  return text.substr(0, most_bytes);
}

}  // namespace countersign::text

#endif  // COUNTERSIGN_CORE_TEXT_UTF8_H_
