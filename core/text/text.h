// Text helpers on std::string_view. Debian builds Abseil with a string_view class of its own, which does not
// convert from the standard's; this is the one bridge between the two.
#ifndef COUNTERSIGN_CORE_TEXT_TEXT_H_
#define COUNTERSIGN_CORE_TEXT_TEXT_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace countersign::text {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToStd(absl::string_view text) { return {text.data(), text.size()}; }
inline std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

// absl::StrCat() that takes std::string_view as well.
template <typename... Pieces>
std::string Concat(const Pieces&... pieces) {
  const auto bridge = [](const auto& piece) -> decltype(auto) {
    if constexpr (std::is_same_v<std::decay_t<decltype(piece)>, std::string_view>) {
      return ToAbsl(piece);
    } else {
      return (piece);
    }
  };
  return absl::StrCat(bridge(pieces)...);
}

// The parts between the separators, empty ones too; views into `text`.
inline std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end; (end = text.find(separator)) != std::string_view::npos; text.remove_prefix(end + 1)) {
    parts.push_back(text.substr(0, end));
  }
  parts.push_back(text);
  return parts;
}

// Takes `prefix` off the front, or does nothing and says false.
inline bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Without spaces, tabs and line ends at both ends.
inline std::string_view Strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace countersign::text

#endif  // COUNTERSIGN_CORE_TEXT_TEXT_H_
