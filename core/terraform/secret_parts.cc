#include "core/terraform/secret_parts.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/terraform/secret_names.h"

namespace countersign::terraform {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr size_t kMostNameBytes = 256;
// JSON in JSON in JSON.
constexpr int kMostNesting = 3;

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordByte(char c) { return IsUpper(c) || IsDigit(c) || (c >= 'a' && c <= 'z') || c == '_'; }
bool IsNameByte(char c) { return IsWordByte(c) || c == '-' || c == '.'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsQuote(char c) { return c == '"' || c == '\''; }
bool IsEnd(char c) { return static_cast<unsigned char>(c) <= ' '; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// ---- Keys that are known by how they look -------------------------------------------------------------

struct Shape {
  std::string_view begins;
  size_t rest;  // At least as many bytes of a name behind that.
};

// Not the ids of AWS's access keys, which name a key and are none.
constexpr Shape kShapes[] = {{"ghp_", 20},        {"gho_", 20},   {"ghs_", 20},  {"ghu_", 20},
                             {"github_pat_", 20}, {"glpat-", 16}, {"xoxb-", 16}, {"xoxp-", 16},
                             {"sk_live_", 16},    {"AIza", 30},   {"hvs.", 20},  {"npm_", 30},
                             {"dop_v1_", 30}};

constexpr auto kBeginsShape = [] {
  std::array<bool, 256> begins{};
  for (const Shape& shape : kShapes) begins[static_cast<unsigned char>(shape.begins[0])] = true;
  return begins;
}();

// The end of the key that begins at `at`; kNone when there is none.
size_t EndOfShape(std::string_view text, size_t at) {
  // Asked for each byte of everything that is shown.
  if (!kBeginsShape[static_cast<unsigned char>(text[at])]) return kNone;
  if (at > 0 && IsWordByte(text[at - 1])) return kNone;
  for (const Shape& shape : kShapes) {
    if (!text.substr(at).starts_with(shape.begins)) continue;
    size_t end = at + shape.begins.size();
    while (end < text.size() && (IsWordByte(text[end]) || text[end] == '-')) ++end;
    if (end - at - shape.begins.size() >= shape.rest) return end;
  }
  return kNone;
}

// Parameters of a URL's query that sign it.
bool IsSignature(std::string_view parameter) {
  const std::string name = Lower(parameter);
  return name == "sig" || name == "signature" || name.ends_with("-signature") ||
         name.ends_with("-security-token");
}

// The name that ends before `at`, where it stands unquoted.
std::string_view NameBefore(std::string_view text, size_t at) {
  const size_t end = at;
  while (at > 0 && end - at < kMostNameBytes && IsNameByte(text[at - 1])) --at;
  return text.substr(at, end - at);
}

// Whether the `=` at `at` belongs to a parameter of a query that signs a URL and is given.
bool SignsUrl(std::string_view text, size_t at) {
  const std::string_view name = NameBefore(text, at);
  const auto begin = static_cast<size_t>(name.data() - text.data());
  if (name.empty() || begin == 0 || (text[begin - 1] != '?' && text[begin - 1] != '&')) return false;
  return IsSignature(name) && at + 1 < text.size() && IsNameByte(text[at + 1]);
}

// ---- Parts of commands
// -------------------------------------------------------------------------------------

// Options of one letter whose value is a password, by what stands before them in the same command.
struct PasswordOption {
  std::string_view program;
  char letter;
  bool attached;  // -pSECRET
  bool separate;  // -p SECRET
};

constexpr PasswordOption kPasswordOptions[] = {
    {"sshpass", 'p', true, true},      {"mysql", 'p', true, false},         {"mariadb", 'p', true, false},
    {"redis-cli", 'a', false, true},   {"mongo", 'p', true, true},          {"docker login", 'p', true, true},
    {"podman login", 'p', true, true}, {"registry login", 'p', true, true}, {"sqlcmd", 'P', true, true},
    {"ldap", 'w', true, true},
};

// Parts of a text, in any order. They may overlap.
class Parts {
 public:
  explicit Parts(std::string_view text) : text_(text) {}

  void Find();
  std::string Take();

 private:
  void Add(size_t begin, size_t end) {
    if (begin >= end) return;
    parts_.emplace_back(begin, end);
    hidden_until_ = std::max(hidden_until_, end);
  }
  // Past blanks, quotes and what escapes quotes.
  size_t SkipTo(size_t at, std::string_view more) const;
  // Where a word that begins at `at` ends, at `limit` at the latest. What a shell expands or runs ends it
  // too.
  size_t EndOfWord(size_t at, size_t limit = kNone) const;
  // Where a value ends that may stand in quotes right before `at`.
  size_t EndOfValue(size_t at) const;
  void TakeUrl(size_t at);
  void TakeAssignment(size_t at);
  void TakeOption(size_t at);
  // Whether the option of one letter at `at` has a password for its value.
  bool TakesPassword(size_t at, char letter, bool attached) const;
  void TakeAuthorization(size_t at);
  void TakePrivateKey(size_t at);

  const std::string_view text_;
  bool curl_ = false;  // So -u takes a user and a password.
  std::vector<std::pair<size_t, size_t>> parts_;
  size_t hidden_until_ = 0;
};

size_t Parts::SkipTo(size_t at, std::string_view more) const {
  while (at < text_.size() &&
         (IsBlank(text_[at]) || IsQuote(text_[at]) || text_[at] == '\\' || more.find(text_[at]) != kNone)) {
    ++at;
  }
  return at;
}

size_t Parts::EndOfWord(size_t at, size_t limit) const {
  for (; at < std::min(limit, text_.size()); ++at) {
    const char c = text_[at];
    if (IsEnd(c) || IsQuote(c) || std::string_view("`;|&<>()\\,").find(c) != kNone) return at;
    const char next = at + 1 < text_.size() ? text_[at + 1] : ' ';
    if (c == '$' && (next == '(' || next == '{' || next == '\'')) return at;
  }
  return at;
}

size_t Parts::EndOfValue(size_t at) const {
  if (at == 0 || !IsQuote(text_[at - 1])) return EndOfWord(at);
  const char quote = text_[at - 1];
  const size_t begin = at;
  for (; at < text_.size() && text_[at] != quote && text_[at] != '\n'; ++at) {
    const char next = at + 1 < text_.size() ? text_[at + 1] : ' ';
    if (text_[at] == '`' || (text_[at] == '$' && (next == '(' || next == '{'))) return at;
  }
  // The backslash of a quote that is escaped is not a part of what stands in it.
  return at > begin && text_[at - 1] == '\\' ? at - 1 : at;
}

// scheme://user:password@host, and scheme://token@host.
void Parts::TakeUrl(size_t at) {
  constexpr size_t kShortestToken = 20;
  const size_t begin = at + 3;
  const size_t end = std::min(text_.find_first_of("/?# \t\r\n\"'<>\\", begin), text_.size());
  const std::string_view authority = text_.substr(begin, end - begin);
  const size_t at_sign = authority.rfind('@');
  if (at_sign == kNone) return;
  const size_t colon = authority.substr(0, at_sign).find(':');
  const size_t from = colon == kNone ? 0 : colon + 1;
  const std::string_view secret = authority.substr(from, at_sign - from);
  if (colon == kNone && secret.size() < kShortestToken) return;
  // What is put in there is not written here.
  if (EndOfWord(begin + from, begin + at_sign) < begin + at_sign || secret.starts_with('$')) return;
  Add(begin + from, begin + at_sign);
}

// name=value, "name": "value", name: value.
void Parts::TakeAssignment(size_t at) {
  size_t end = at;
  while (end > 0 && IsBlank(text_[end - 1])) --end;
  const bool quoted = end > 0 && IsQuote(text_[end - 1]);
  while (end > 0 && (IsQuote(text_[end - 1]) || text_[end - 1] == '\\')) --end;
  const std::string_view name = NameBefore(text_, end);
  if (name.empty() || at + 1 >= text_.size()) return;
  const char next = text_[at + 1];
  if (text_[at] == ':' && !quoted && !IsBlank(next) && !IsQuote(next)) return;
  if (text_[at] == '=' && (next == '=' || next == '~' || next == '>')) return;
  const bool header = text_[at] == ':' && Lower(name) == "authorization";
  if (!header && !SignsUrl(text_, at) && !IsSecretName(name)) return;
  size_t begin = SkipTo(at + 1, "");
  if (begin >= text_.size() || text_[begin] == '$' || IsEnd(text_[begin])) return;
  const size_t word = EndOfValue(begin);
  // Authorization: token SECRET.
  if (header && word < text_.size() && IsBlank(text_[word])) begin = SkipTo(word, "");
  const std::string_view value = text_.substr(begin, EndOfValue(begin) - begin);
  if (value == "true" || value == "false" || value == "null" || value == "[" || value == "{") return;
  Add(begin, begin + value.size());
}

// --password SECRET, also as "--password", "SECRET"; -u user:SECRET.
void Parts::TakeOption(size_t at) {
  if (at > 0 && !IsEnd(text_[at - 1]) && !IsQuote(text_[at - 1])) return;
  size_t begin = at;
  while (begin < text_.size() && text_[begin] == '-') ++begin;
  size_t end = begin;
  while (end < text_.size() && IsNameByte(text_[end]) && end - begin < kMostNameBytes) ++end;
  const std::string_view name = text_.substr(begin, end - begin);
  const bool short_option = begin == at + 1 && !name.empty();
  if (short_option && name.size() > 1 && TakesPassword(at, name[0], true))
    return Add(begin + 1, EndOfWord(begin + 1));
  const size_t value = SkipTo(end, ",");
  const bool separate = value > end;
  if (value >= text_.size() || text_[value] == '$' || text_[value] == '-' || IsEnd(text_[value])) return;
  const bool user = name == "u" || name == "user" || name == "proxy-user";
  if (curl_ && (user || (begin == at + 1 && name.starts_with('u')))) {
    const size_t from = user ? value : begin + 1;
    const size_t until = EndOfWord(from);
    const size_t colon = text_.substr(from, until - from).find(':');
    if (colon != kNone && text_[from + colon + 1] != '$') Add(from + colon + 1, until);
    return;
  }
  const bool password = short_option && name.size() == 1 && TakesPassword(at, name[0], false);
  const bool about = name.ends_with("stdin") || name.ends_with("file") || name.ends_with("env");
  if (!separate || (!password && (name.size() < 3 || about || !IsSecretName(name)))) return;
  Add(value, EndOfValue(value));
}

bool Parts::TakesPassword(size_t at, char letter, bool attached) const {
  constexpr size_t kMostBetween = 256;
  std::string_view before = text_.substr(0, at);
  before.remove_prefix(before.size() - std::min(before.size(), kMostBetween));
  before.remove_prefix(before.find_last_of("\n;|&`(") + 1);
  return std::any_of(std::begin(kPasswordOptions), std::end(kPasswordOptions),
                     [&](const PasswordOption& each) {
                       return each.letter == letter && (attached ? each.attached : each.separate) &&
                              before.find(each.program) != kNone;
                     });
}

// Bearer SECRET, where it is the whole of a value.
void Parts::TakeAuthorization(size_t at) {
  constexpr size_t kShortest = 8;
  size_t before = at;
  while (before > 0 && IsBlank(text_[before - 1])) --before;
  if (before > 0 && !IsQuote(text_[before - 1]) && text_[before - 1] != ':' && text_[before - 1] != '=')
    return;
  const size_t space = text_.find(' ', at);
  const size_t begin = SkipTo(space, "");
  const size_t end = EndOfWord(begin);
  if (end - begin >= kShortest && text_[begin] != '$') Add(begin, end);
}

void Parts::TakePrivateKey(size_t at) {
  const size_t end = text_.find("-----END", at);
  Add(at, end == kNone ? text_.size() : end);
}

void Parts::Find() {
  curl_ = text_.find("curl") != kNone;
  for (size_t i = 0; i < text_.size(); ++i) {
    // What is hidden already is not looked into, or the time would be quadratic.
    if (i < hidden_until_) i = hidden_until_;
    const std::string_view rest = text_.substr(std::min(i, text_.size()));
    if (rest.empty()) break;
    if (rest[0] == '=' || rest[0] == ':') TakeAssignment(i);
    if (rest.starts_with("://")) TakeUrl(i);
    if (rest[0] == '-' && (i == 0 || text_[i - 1] != '-')) TakeOption(i);
    if (rest.starts_with("Bearer ") || rest.starts_with("bearer ") || rest.starts_with("Basic ")) {
      TakeAuthorization(i);
    }
    constexpr std::string_view kPrivateKey = "PRIVATE KEY-----";
    if (rest.starts_with(kPrivateKey)) TakePrivateKey(i + kPrivateKey.size());
    if (const size_t end = EndOfShape(text_, i); end != kNone) Add(i, end);
  }
}

std::string Parts::Take() {
  std::sort(parts_.begin(), parts_.end());
  std::string result;
  size_t shown = 0;
  for (const auto& [begin, end] : parts_) {
    if (begin >= shown) {
      result += text_.substr(shown, begin - shown);
      result += kHiddenPart;
    }
    shown = std::max(shown, end);
  }
  result += text_.substr(shown);
  return result;
}

// ---- Names beside values
// -----------------------------------------------------------------------------------

struct Object {
  bool named = false;  // After a secret.
  bool valued = false;
};

// Reads strings and braces, and leaves all else to others: it need not be JSON. Within strings only quotes
// that are escaped as the first one end it.
class PairFinder {
 public:
  explicit PairFinder(std::string_view text) : text_(text) {}

  bool Find(int depth);

 private:
  // The string whose quote is at `at`; `at` is then behind it.
  std::string_view TakeString(size_t* at) const;
  void TakeValue(std::string_view value);

  const std::string_view text_;
  std::string key_;
  std::vector<Object> objects_;
};

std::string_view PairFinder::TakeString(size_t* at) const {
  const auto escapes = [this](size_t quote) {
    size_t count = 0;
    while (count < quote && text_[quote - count - 1] == '\\') ++count;
    return count;
  };
  const size_t begin = *at + 1;
  const size_t wanted = escapes(*at);
  size_t end = text_.find('"', begin);
  while (end != kNone && escapes(end) != wanted) end = text_.find('"', end + 1);
  *at = end == kNone ? text_.size() : end + 1;
  const std::string_view whole = text_.substr(begin, *at - begin);
  return whole.substr(0, whole.size() - std::min(whole.size(), wanted + 1));
}

void PairFinder::TakeValue(std::string_view value) {
  if (objects_.empty()) return;
  if ((key_ == "name" || key_ == "key") && IsSecretName(value)) objects_.back().named = true;
  if (key_ == "value" && !value.empty()) objects_.back().valued = true;
}

bool PairFinder::Find(int depth) {
  for (size_t i = 0; i < text_.size();) {
    if (text_[i] == '{') objects_.emplace_back();
    if (text_[i] == '}' && !objects_.empty()) {
      if (objects_.back().named && objects_.back().valued) return true;
      objects_.pop_back();
    }
    if (text_[i] != '"') {
      ++i;
      continue;
    }
    const std::string_view string = TakeString(&i);
    size_t next = i;
    while (next < text_.size() && IsEnd(text_[next])) ++next;
    if (next < text_.size() && text_[next] == ':') {
      key_ = string.size() <= kMostNameBytes ? Lower(string) : "";
      continue;
    }
    TakeValue(string);
    key_.clear();
    const bool nested = depth < kMostNesting && string.find('{') != kNone;
    if (nested && PairFinder(string).Find(depth + 1)) return true;
  }
  return false;
}

}  // namespace

std::string WithoutSecrets(std::string_view text) {
  Parts parts(text);
  parts.Find();
  return parts.Take();
}

bool HasTellingSecret(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=' && SignsUrl(text, i)) return true;
    if (EndOfShape(text, i) != kNone) return true;
  }
  return false;
}

bool HasNamedSecret(std::string_view text) {
  // Most texts are no JSON: seen without looking closer.
  return text.find('{') != kNone && text.find('"') != kNone && PairFinder(text).Find(0);
}

}  // namespace countersign::terraform
