#include "core/terraform/known_secrets.h"

#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace countersign::terraform {
namespace {

// What two longer texts have in common so far is not by chance.
constexpr size_t kLongestCopy = 256;
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view WithoutBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// As Terraform's jsonencode() writes it within a text.
std::string InJson(std::string_view text) {
  const std::string quoted =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string encoded;
  for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
    if (c == '<' || c == '>' || c == '&') {
      absl::StrAppend(&encoded, "\\u00", absl::Hex(c));
    } else {
      encoded.push_back(c);
    }
  }
  return encoded;
}

}  // namespace

size_t SecretTexts::Beginning(std::string_view text) {
  return static_cast<size_t>(static_cast<unsigned char>(text[0])) << 8 | static_cast<unsigned char>(text[1]);
}

void SecretTexts::Add(std::string_view text) {
  text = WithoutBlanks(text).substr(0, kLongestCopy);
  if (text.size() < kShortestCopy) return;
  AddOne(text);
  AddOne(InJson(text));
}

void SecretTexts::AddOne(std::string_view text) {
  if (BeginsAny(text)) return;
  // What is found whenever `text` is need not be looked for.
  auto at = texts_.lower_bound(text);
  while (at != texts_.end() && at->starts_with(text)) at = texts_.erase(at);
  texts_.emplace_hint(at, text);
  beginnings_.set(Beginning(text));
}

// Since none begins another one, the only one that `text` can begin with is the last that is not after it.
bool SecretTexts::BeginsAny(std::string_view text) const {
  const auto after = texts_.upper_bound(text);
  return after != texts_.begin() && text.starts_with(*std::prev(after));
}

bool SecretTexts::AreIn(std::string_view text) const {
  if (texts_.empty()) return false;
  for (size_t at = 0; at + kShortestCopy <= text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (beginnings_.test(Beginning(rest)) && BeginsAny(rest)) return true;
  }
  return false;
}

}  // namespace countersign::terraform
