// How findings and verdict lines put things into words.
#ifndef COUNTERSIGN_CORE_FINDING_WORDING_H_
#define COUNTERSIGN_CORE_FINDING_WORDING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::finding {

// "1 resource", "5 resources".
std::string CountOf(int64_t count, std::string_view singular);

// "a", "a and b", "a, b and 7 more": at most three of `names`, of `total` in all.
std::string ListOf(const std::vector<std::string>& names, int64_t total);

// At most `bytes` bytes, whole characters of UTF-8; what was cut ends with three dots.
std::string Cut(std::string_view text, size_t bytes);

// With a space for every run of line ends and other control characters. All else as it is.
std::string OneLine(std::string_view text);

// Lower-case letters of ASCII; all else as it is.
std::string Lower(std::string_view text);

// Whether `text` is `pattern`, in which * stands for any characters. Linear in practice: backs up only to the
// last star.
bool Matches(std::string_view pattern, std::string_view text);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_WORDING_H_
