// Debian builds Abseil with a string_view of its own; this is the bridge to the standard's.
#ifndef COUNTERSIGN_CLIENT_SRC_TEXT_H_
#define COUNTERSIGN_CLIENT_SRC_TEXT_H_

#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace countersign {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }
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

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_TEXT_H_
