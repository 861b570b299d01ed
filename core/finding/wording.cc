#include "core/finding/wording.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/text/text.h"
#include "core/text/utf8.h"

namespace countersign::finding {

std::string CountOf(int64_t count, std::string_view singular) {
  return text::Concat(count, " ", singular, count == 1 ? "" : "s");
}

std::string ListOf(const std::vector<std::string>& names, int64_t total) {
  const size_t shown = std::min<size_t>(names.size(), total > 3 ? 2 : 3);
  const auto more = total - static_cast<int64_t>(shown);
  std::string list;
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) list += i + 1 == shown && more <= 0 ? " and " : ", ";
    list += names[i];
  }
  if (more > 0) absl::StrAppend(&list, list.empty() ? "" : " and ", more, " more");
  return list;
}

std::string Cut(std::string_view text, size_t bytes) {
  constexpr std::string_view kDots = "...";
  if (text.size() <= bytes) return std::string(text);
  if (bytes < kDots.size()) return "";
  return text::Concat(text::CutText(text, bytes - kDots.size()), kDots);
}

std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    // U+0085, U+2028 and U+2029 end lines too.
    const std::string_view rest = text.substr(i);
    size_t ends = static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F ? 1 : 0;
    if (rest.starts_with("\xC2\x85")) ends = 2;
    if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) ends = 3;
    if (ends == 0) {
      line.push_back(text[i]);
      continue;
    }
    if (!line.empty() && line.back() != ' ') line.push_back(' ');
    i += ends - 1;
  }
  return line;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool Matches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace countersign::finding
