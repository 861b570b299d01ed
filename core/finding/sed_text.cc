#include "core/finding/sed_text.h"

#include <algorithm>

namespace countersign::finding {
namespace {

constexpr std::string_view kDigits = "0123456789";

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Read() {
    for (Skip(" \t\n;"); at_ < text_.size(); Skip(" \t\n;")) {
      if (!ReadAddresses() || !ReadCommand()) return false;
      Skip(" \t");
      if (at_ < text_.size() && text_[at_] != ';' && text_[at_] != '\n') return false;
    }
    return true;
  }

 private:
  void Skip(std::string_view characters) {
    at_ = std::min(text_.find_first_not_of(characters, at_), text_.size());
  }

  bool Take(std::string_view characters) {
    if (at_ >= text_.size() || characters.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  bool ReadAddresses() {
    if (!ReadAddress()) return false;
    Skip(" \t");
    if (Take(",")) {
      Skip(" \t");
      Take("+~");
      if (!ReadAddress()) return false;
    }
    Skip(" \t!");
    return true;
  }

  bool ReadAddress() {
    if (Take("$")) return true;
    if (Take("/")) {
      if (!ReadPart('/')) return false;
      Skip("IM");
      return true;
    }
    Skip(kDigits);
    if (Take("~")) Skip(kDigits);
    return true;
  }

  bool ReadCommand() {
    if (Take("pPdD=hHgGxnNlqQ")) return true;
    const bool substitutes = at_ < text_.size() && text_[at_] == 's';
    if (!Take("sy") || at_ >= text_.size()) return false;
    const char delimiter = text_[at_++];
    if (delimiter == '\\' || delimiter == '\n') return false;
    if (!ReadPart(delimiter) || !ReadPart(delimiter)) return false;
    if (substitutes) Skip("gpiImM0123456789");
    return true;
  }

  // Up to `delimiter`. Within brackets some take it for the end and others do not.
  bool ReadPart(char delimiter) {
    bool bracket = false;
    for (; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      const char c = text_[at_];
      if (c == delimiter) {
        ++at_;
        return !bracket;
      }
      if (c == '\\' && ++at_ == text_.size()) return false;
      if (c == '[') bracket = true;
      if (c == ']') bracket = false;
    }
    return false;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

bool OnlyEdits(std::string_view script) { return Reader(script).Read(); }

bool SedOnlyEdits(const std::vector<std::string>& arguments) {
  std::vector<std::string_view> scripts;
  std::string_view positional;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    size_t value = std::string_view::npos;
    if (argument.starts_with("--")) {
      if (argument.starts_with("--f")) return false;
      if (argument.starts_with("--e")) value = argument.find('=');
      if (!argument.starts_with("--e")) continue;
    } else if (argument.size() > 1 && argument.starts_with('-')) {
      if (argument.find('f') < argument.find('e')) return false;
      value = argument.find('e');
      // What follows -i is the ending of a file's name.
      if (value == std::string_view::npos || argument.find('i') < value) continue;
      if (value + 1 == argument.size()) value = std::string_view::npos;
    } else {
      if (positional.empty()) positional = argument;
      continue;
    }
    if (value != std::string_view::npos) {
      scripts.push_back(argument.substr(value + 1));
    } else if (++i < arguments.size()) {
      scripts.emplace_back(arguments[i]);
    }
  }
  if (scripts.empty()) scripts.push_back(positional);
  return std::all_of(scripts.begin(), scripts.end(), OnlyEdits);
}

}  // namespace countersign::finding
