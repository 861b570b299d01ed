#include "core/terraform/address.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/terraform/path.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Index = std::variant<int64_t, std::string>;

constexpr std::pair<std::string_view, Address::Mode> kModes[] = {
    {"data.", Address::Mode::kData},
    {"ephemeral.", Address::Mode::kEphemeral},
    {"action.", Address::Mode::kAction},
};

std::string_view PrefixOf(Address::Mode mode) {
  for (const auto& [prefix, of] : kModes) {
    if (of == mode) return prefix;
  }
  return "";
}

// The code point that `digits`, checked to be hexadecimal, stand for.
uint32_t ParseHex(std::string_view digits) {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

// Takes one escape, without the backslash, off the front of what ConsumeQuotedKey() has accepted.
void TakeEscape(std::string_view* text, std::string* out) {
  const char kind = text->front();
  text->remove_prefix(1);
  if (kind != 'u' && kind != 'U') {
    out->push_back(kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind);
    return;
  }
  const size_t digits = kind == 'u' ? 4 : 8;
  AppendUtf8(ParseHex(text->substr(0, digits)), out);
  text->remove_prefix(digits);
}

// What stands between the quotes that ConsumeQuotedKey() has accepted.
std::string Unquote(std::string_view text) {
  std::string key;
  while (!text.empty()) {
    if (text::ConsumePrefix(&text, "$${")) {
      key += "${";
    } else if (text::ConsumePrefix(&text, "%%{")) {
      key += "%{";
    } else if (text::ConsumePrefix(&text, "\\")) {
      TakeEscape(&text, &key);
    } else {
      key.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return key;
}

bool TakeKey(std::string_view* text, Index* index) {
  const std::string_view before = *text;
  if (!ConsumeQuotedKey(text)) return false;
  const std::string_view quoted = before.substr(0, before.size() - text->size());
  std::string key = Unquote(quoted.substr(1, quoted.size() - 2));
  // One key, one text: an escape that is not needed is refused.
  std::string again;
  AppendQuotedKey(key, &again);
  if (again != quoted) return false;
  *index = std::move(key);
  return true;
}

bool TakeNumber(std::string_view* text, Index* index) {
  int64_t number = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), number);
  const auto size = static_cast<size_t>(parsed.ptr - text->data());
  if (parsed.ec != std::errc() || number < 0 || text->starts_with('-')) return false;
  if (size > 1 && text->starts_with('0')) return false;
  text->remove_prefix(size);
  *index = number;
  return true;
}

// Takes `[0]` or `["key"]` off the front, which must be there.
bool TakeIndex(std::string_view* text, Index* index) {
  if (!text::ConsumePrefix(text, "[")) return false;
  const bool taken = text->starts_with('"') ? TakeKey(text, index) : TakeNumber(text, index);
  return taken && text::ConsumePrefix(text, "]");
}

bool TakeName(std::string_view* text, std::string* name) {
  const std::string_view before = *text;
  if (!ConsumeName(text)) return false;
  *name = before.substr(0, before.size() - text->size());
  return true;
}

// Takes `module.NAME.` or, with keys, `module.NAME[KEY].` off the front as often as it is there. The dot may
// be missing at the end of the text. Says how much was taken, without that dot.
bool TakeModules(std::string_view* text, bool keys, std::string* module) {
  const std::string_view before = *text;
  size_t end = 0;
  while (text::ConsumePrefix(text, "module.")) {
    std::string name;
    Index index;
    if (!TakeName(text, &name)) return false;
    if (keys && text->starts_with('[') && !TakeIndex(text, &index)) return false;
    end = before.size() - text->size();
    if (!text->empty() && !text::ConsumePrefix(text, ".")) return false;
  }
  *module = before.substr(0, end);
  return true;
}

bool TakeResource(std::string_view* text, Address* address) {
  for (const auto& [prefix, mode] : kModes) {
    if (text::ConsumePrefix(text, prefix)) {
      address->mode = mode;
      break;
    }
  }
  if (!TakeName(text, &address->type) || !text::ConsumePrefix(text, ".")) return false;
  if (!TakeName(text, &address->name)) return false;
  if (!text->starts_with('[')) return true;
  address->index.emplace();
  return TakeIndex(text, &*address->index);
}

bool IsSmallOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Small letters and digits, with dashes and the characters of `inner` only between them.
bool IsSourcePart(std::string_view text, std::string_view inner) {
  return !text.empty() && IsSmallOrDigit(text.front()) && IsSmallOrDigit(text.back()) &&
         std::all_of(text.begin(), text.end(), [inner](char c) {
           return IsSmallOrDigit(c) || c == '-' || inner.find(c) != std::string_view::npos;
         });
}

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool IsHost(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != std::string_view::npos && !IsPort(text.substr(colon + 1))) return false;
  text = text.substr(0, colon);
  return IsSourcePart(text, ".") && text.find("..") == std::string_view::npos;
}

bool IsSource(std::string_view text) {
  const std::vector<std::string_view> parts = text::Split(text, '/');
  return parts.size() == 3 && IsHost(parts[0]) && IsSourcePart(parts[1], "_") && IsSourcePart(parts[2], "_");
}

// Takes `provider["SOURCE"]`, and with it `.ALIAS` where it is, off the front.
bool TakeProvider(std::string_view* text, ProviderAddress* address) {
  if (!text::ConsumePrefix(text, "provider[\"")) return false;
  const size_t end = text->find('"');
  if (end == std::string_view::npos || !IsSource(text->substr(0, end))) return false;
  address->source = text->substr(0, end);
  text->remove_prefix(end);
  if (!text::ConsumePrefix(text, "\"]")) return false;
  return !text::ConsumePrefix(text, ".") || TakeName(text, &address->alias);
}

absl::Status TooLong(std::string_view place, const Limits& limits) {
  return Unreadable(place, absl::StrCat("is over ", limits.address_bytes, " bytes long"));
}

absl::Status NoAddress(std::string_view place, std::string_view whole, std::string_view rest,
                       std::string_view kind) {
  return Unreadable(place, text::Concat("is not the address of ", kind, ": see byte ",
                                        whole.size() - rest.size(), " of its ", whole.size()));
}

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view text, std::string_view place, const Limits& limits) {
  if (text.size() > limits.address_bytes) return TooLong(place, limits);
  Address address;
  std::string_view rest = text;
  if (!TakeModules(&rest, true, &address.module) || !TakeResource(&rest, &address) || !rest.empty()) {
    return NoAddress(place, text, rest, "a resource");
  }
  return address;
}

std::string Format(const Address& address) {
  std::string text = address.module;
  if (!text.empty()) text.push_back('.');
  text.append(PrefixOf(address.mode)).append(address.type).append(".").append(address.name);
  if (!address.index.has_value()) return text;
  text.push_back('[');
  if (const auto* number = std::get_if<int64_t>(&*address.index)) {
    absl::StrAppend(&text, *number);
  } else {
    AppendQuotedKey(std::get<std::string>(*address.index), &text);
  }
  text.push_back(']');
  return text;
}

std::string ModuleKey(std::string_view module) {
  std::string key;
  std::string name;
  Index index;
  while (text::ConsumePrefix(&module, "module.") && TakeName(&module, &name)) {
    absl::StrAppend(&key, key.empty() ? "" : ".", name);
    if (module.starts_with('[') && !TakeIndex(&module, &index)) break;
    text::ConsumePrefix(&module, ".");
  }
  return key;
}

absl::Status CheckTarget(std::string_view text, std::string_view place, const Limits& limits) {
  if (text.size() > limits.address_bytes) return TooLong(place, limits);
  Address address;
  std::string_view rest = text;
  if (!TakeModules(&rest, true, &address.module)) return NoAddress(place, text, rest, "a module");
  const bool module = rest.empty() && !text.empty() && !text.ends_with('.');
  if (!module && (!TakeResource(&rest, &address) || !rest.empty())) {
    return NoAddress(place, text, rest, "a resource or a module");
  }
  return absl::OkStatus();
}

absl::Status CheckNamedObject(std::string_view text, std::string_view keyword, std::string_view place,
                              const Limits& limits) {
  if (text.size() > limits.address_bytes) return TooLong(place, limits);
  std::string module;
  std::string name;
  std::string_view rest = text;
  if (!TakeModules(&rest, true, &module) || !text::ConsumePrefix(&rest, keyword) ||
      !text::ConsumePrefix(&rest, ".") || !TakeName(&rest, &name) || !rest.empty()) {
    return NoAddress(place, text, rest, "what it is said to be of");
  }
  return absl::OkStatus();
}

absl::StatusOr<ProviderAddress> ParseProviderAddress(std::string_view text, std::string_view place,
                                                     const Limits& limits) {
  if (text.size() > limits.address_bytes) return TooLong(place, limits);
  ProviderAddress address;
  std::string_view rest = text;
  if (!TakeModules(&rest, false, &address.module) || !TakeProvider(&rest, &address) || !rest.empty()) {
    return NoAddress(place, text, rest, "a provider");
  }
  return address;
}

std::string Format(const ProviderAddress& address) {
  return absl::StrCat(address.module, address.module.empty() ? "" : ".", "provider[\"", address.source, "\"]",
                      address.alias.empty() ? "" : ".", address.alias);
}

}  // namespace countersign::terraform
