#include "core/terraform/secret_names.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/terraform/secret_parts.h"

namespace countersign::terraform {
namespace {

constexpr size_t kMostNameBytes = 256;

using Words = std::vector<std::string>;

// Words that make a name secret wherever they stand.
constexpr std::string_view kSecretWords[] = {
    "apikey",
    "apitoken",
    "authkey",
    "authtoken",
    "bearer",
    "credential",
    "encryptionkey",
    "jwt",
    "keytab",
    "masterkey",
    "otp",
    "pass",
    "passphrase",
    "passwd",
    "passcode",
    "pfx",
    "pkcs12",
    "privatekey",
    "psk",
    "pwd",
    "sas",
    "secret",
    "secretkey",
    "sharedkey",
    "signingkey",
    "token",
    "totp",
    "userdata",
    "connstr",
    "dsn",
    "kubeconfig",
    "accesskey",
    "sensitive",
    "pw",
    "bindpw",
    "rootpw",
    "dockercfg",
    "dockerconfig",
    "dockerconfigjson",
};

// Parts of words that do so, for what is written without a separator: `dbpassword`.
constexpr std::string_view kSecretParts[] = {"password", "passwd", "passphrase"};

// Neighbouring words that do so together.
using Pair = std::array<std::string_view, 2>;
constexpr Pair kSecretPairs[] = {
    {"connection", "string"}, {"connection", "str"}, {"conn", "string"},  {"conn", "str"},
    {"user", "data"},         {"custom", "data"},    {"kube", "config"},  {"kube", "admin"},
    {"private", "pem"},       {"private", "pgp"},    {"webhook", "url"},  {"webhook", "uri"},
    {"connection", "url"},    {"connection", "uri"}, {"database", "url"}, {"key", "material"},
    {"publish", "settings"},
};

// What a secret word says when one of these ends the name: not the secret, but something about it.
constexpr std::string_view kAboutWords[] = {
    "age",        "alg",        "algorithm",  "algorithms",  "arn",          "arns",       "audience",
    "characters", "complexity", "count",      "date",        "days",         "duration",   "enabled",
    "endpoint",   "engine",     "expiration", "expires",     "expiry",       "exists",     "format",
    "generation", "handling",   "history",    "hours",       "id",           "identifier", "ids",
    "issuer",     "keepers",    "kind",       "length",      "lifetime",     "limit",      "location",
    "manager",    "max",        "method",     "methods",     "min",          "minutes",    "mode",
    "mount",      "name",       "names",      "namespace",   "path",         "paths",      "period",
    "policies",   "policy",     "prefix",     "projected",   "provider",     "ref",        "refs",
    "reference",  "region",     "required",   "requirement", "requirements", "reset",      "reuse",
    "rotation",   "rules",      "scope",      "scopes",      "seconds",      "selector",   "size",
    "source",     "status",     "strength",   "suffix",      "time",         "timeout",    "ttl",
    "type",       "types",      "units",      "uri",         "url",          "usage",      "use",
    "validity",   "version",    "versions",   "window",      "addresses",    "created",    "description",
    "label",      "labels",     "lookup",     "on",          "tags",
};

// What `key` is when one of these stands before it: not a secret.
constexpr std::string_view kPlainKeys[] = {
    "annotation", "attribute",    "authorized", "cache",       "cluster",   "clustering",  "cmk",
    "column",     "condition",    "config",     "context",     "crypto",    "dedup",       "dimension",
    "dist",       "distribution", "document",   "env",         "event",     "feature",     "field",
    "filter",     "foreign",      "group",      "hash",        "header",    "idempotency", "index",
    "item",       "kms",          "label",      "lock",        "lookup",    "managed",     "map",
    "metadata",   "metric",       "object",     "parameter",   "partition", "property",    "public",
    "query",      "range",        "registry",   "route",       "routing",   "s3",          "search",
    "selector",   "setting",      "shard",      "sort",        "ssh",       "source",      "stack",
    "stage",      "tag",          "topology",   "translation", "unique",    "variable",    "verification",
    "version",
};

// What is no secret for what stands before: the mode of an instance's metadata service, a model's limit.
constexpr Pair kPlainPairs[] = {
    {"http", "token"},     {"max", "token"},    {"min", "token"},  {"completion", "token"},
    {"token", "bucket"},   {"one", "pass"},     {"multi", "pass"}, {"single", "pass"},
    {"sensitive", "data"}, {"pass", "through"}, {"pass", "role"},
};

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordByte(char c) { return IsUpper(c) || IsLower(c) || IsDigit(c); }

bool IsOneOf(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether a word begins in the middle of `name`: `myToken`, and `DBPassword` before the P.
bool BeginsWord(std::string_view name, size_t at) {
  if (!IsUpper(name[at]) || at == 0) return false;
  if (IsLower(name[at - 1]) || IsDigit(name[at - 1])) return true;
  return IsUpper(name[at - 1]) && at + 1 < name.size() && IsLower(name[at + 1]);
}

// The words of a name in small letters, by its separators and by its capital letters.
Words WordsOf(std::string_view name) {
  Words words;
  bool open = false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsWordByte(name[i])) {
      open = false;
      continue;
    }
    if (!open || BeginsWord(name, i)) words.emplace_back();
    open = true;
    words.back().push_back(IsUpper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i]);
  }
  return words;
}

// `tokens` are tokens. Not `pass`, and not `sas`.
std::string_view Singular(std::string_view word) {
  const bool plural = word.size() > 3 && word.ends_with('s') && !word.ends_with("ss");
  return plural ? word.substr(0, word.size() - 1) : word;
}

bool HasPlainPairAt(const Words& words, size_t at) {
  return std::any_of(std::begin(kPlainPairs), std::end(kPlainPairs), [&](const auto& pair) {
    const bool second = at > 0 && words[at - 1] == pair[0] && Singular(words[at]) == pair[1];
    const bool first = at + 1 < words.size() && words[at] == pair[0] && words[at + 1] == pair[1];
    return first || second;
  });
}

bool IsSecretWord(const Words& words, size_t at) {
  const std::string_view word = Singular(words[at]);
  if (HasPlainPairAt(words, at)) return false;
  const bool part = std::any_of(std::begin(kSecretParts), std::end(kSecretParts), [word](auto secret) {
    const size_t found = word.find(secret);
    return found != std::string_view::npos && !word.substr(found).starts_with("passwordless");
  });
  return part || IsOneOf(word, kSecretWords);
}

// `key` is one of many things. Alone it is the name of an object or of a tag.
bool IsSecretKey(const Words& words, size_t at) {
  if (Singular(words[at]) != "key" || at == 0) return false;
  const auto harmless = [](const std::string& word) {
    return word == "kms" || word == "cmk" || word == "public" || word == "authorized";
  };
  const auto end = words.begin() + static_cast<std::ptrdiff_t>(at);
  return !IsOneOf(words[at - 1], kPlainKeys) && std::none_of(words.begin(), end, harmless);
}

bool IsSecretPair(const Words& words, size_t at) {
  if (at + 1 >= words.size()) return false;
  return std::any_of(std::begin(kSecretPairs), std::end(kSecretPairs), [&](const auto& pair) {
    return words[at] == pair[0] && Singular(words[at + 1]) == pair[1];
  });
}

// The last word that is no number says what the name is of: `password2`, `token_v1`.
bool EndsAboutIt(const Words& words, size_t secret) {
  for (size_t i = words.size(); i-- > secret + 1;) {
    const std::string_view word = words[i];
    if (word.find_first_not_of("v0123456789") == std::string_view::npos) continue;
    return IsOneOf(word, kAboutWords);
  }
  return false;
}

struct TypeRule {
  std::string_view type;
  std::string_view attribute;
};

constexpr TypeRule kSecretsOfTypes[] = {
    {"aws_ssm_parameter", "value"},
    {"aws_ssm_parameter", "insecure_value"},
    {"random_password", "result"},
    {"random_password", "bcrypt_hash"},
    {"local_sensitive_file", "content"},
    {"local_sensitive_file", "content_base64"},
    {"aws_iam_access_key", "ses_smtp_password_v4"},
    {"cloudinit_config", "rendered"},
    {"gitlab_group_variable", "value"},
    {"gitlab_instance_variable", "value"},
    {"gitlab_project_variable", "value"},
    {"tfe_variable", "value"},
};

// What resources whose type says that they are secrets keep them in.
constexpr std::string_view kCarriers[] = {
    "value",          "data",   "data_json", "binary_data",     "string_data",     "content",
    "content_base64", "result", "payload",   "plaintext_value", "encrypted_value", "text",
};

// ---- Texts ------------------------------------------------------------------------------------------

bool IsNameByte(char c) { return IsWordByte(c) || c == '_' || c == '-' || c == '.'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsQuote(char c) { return c == '"' || c == '\''; }

// `scheme://user:password@host`, and `scheme://token@host`.
bool HasPasswordInUrl(std::string_view text) {
  constexpr size_t kShortestToken = 20;
  for (size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const std::string_view rest = text.substr(at + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?# \t\r\n\"'<>"));
    const size_t end = authority.rfind('@');
    if (end == std::string_view::npos) continue;
    const size_t colon = authority.substr(0, end).find(':');
    if (colon == std::string_view::npos ? end >= kShortestToken : colon + 1 < end) return true;
  }
  return false;
}

// `user:password@tcp(host)/database`, as drivers of Go write it.
bool HasPasswordInDsn(std::string_view text) {
  for (const std::string_view network : {"@tcp(", "@unix("}) {
    const size_t at = text.find(network);
    if (at == std::string_view::npos) continue;
    const size_t colon = text.substr(0, at).rfind(':');
    if (colon != std::string_view::npos && colon + 1 < at) return true;
  }
  return false;
}

// What registries are logged in to with: "auth": "dXNlcjpwYXNz".
bool IsLogin(std::string_view name, std::string_view text, size_t at, bool quoted) {
  constexpr size_t kShortest = 8;
  if (name != "auth" || !quoted || text[at] != ':') return false;
  size_t begin = at + 1;
  while (begin < text.size() && (IsBlank(text[begin]) || text[begin] == '\\')) ++begin;
  if (begin >= text.size() || !IsQuote(text[begin])) return false;
  const size_t end = text.find_first_of("\"'\\ ,{}[]", begin + 1);
  return end != std::string_view::npos && end - begin > kShortest;
}

// The name that ends before `at`, without the quotes around it, which `*quoted` tells of.
std::string_view NameBefore(std::string_view text, size_t at, bool* quoted) {
  while (at > 0 && IsBlank(text[at - 1])) --at;
  *quoted = at > 0 && IsQuote(text[at - 1]);
  while (at > 0 && (IsQuote(text[at - 1]) || text[at - 1] == '\\')) --at;
  const size_t end = at;
  while (at > 0 && end - at < kMostNameBytes && (IsNameByte(text[at - 1]))) --at;
  return text.substr(at, end - at);
}

bool IsSpace(char c) { return IsBlank(c) || c == '\n' || c == '\r'; }

// Whether the `=` or `:` at `at` gives a value to what stands before. `arn:aws:secretsmanager:…:secret:name`
// and `token.actions.example.com:aud` do not.
bool Assigns(std::string_view text, size_t at, bool quoted) {
  if (at + 1 >= text.size()) return false;
  const char next = text[at + 1];
  if (text[at] == '=') return next != '=' && next != '>' && next != '~' && next != '\n';
  return quoted || IsBlank(next) || IsQuote(next);
}

// Whether there is something at all behind the `=` or `:` that could be a secret, and no switch.
bool HasValueBehind(std::string_view text, size_t at) {
  std::string_view rest = text.substr(at + 1);
  while (!rest.empty() && (IsBlank(rest.front()) || IsQuote(rest.front()) || rest.front() == '\\')) {
    rest.remove_prefix(1);
  }
  if (rest.empty() || IsSpace(rest.front())) return false;
  constexpr std::string_view kHarmless[] = {"true", "false", "null", "{", "[", ",", "}", "$", ";", "&"};
  return std::none_of(std::begin(kHarmless), std::end(kHarmless),
                      [rest](std::string_view word) { return rest.starts_with(word); });
}

bool HasAssignment(std::string_view text) {
  if (text.find('=') == std::string_view::npos && text.find(':') == std::string_view::npos) return false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '=' && text[at] != ':') continue;
    bool quoted = false;
    const std::string_view name = NameBefore(text, at, &quoted);
    if (name.empty() || !Assigns(text, at, quoted)) continue;
    if ((IsSecretName(name) || IsLogin(name, text, at, quoted)) && HasValueBehind(text, at)) return true;
  }
  return false;
}

bool HasAuthorization(std::string_view text) {
  for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic "}) {
    constexpr size_t kShortest = 8;
    const size_t at = text.find(scheme);
    if (at == std::string_view::npos) continue;
    if (at > 0 && text[at - 1] != ' ' && text[at - 1] != '"' && text[at - 1] != ':') continue;
    const std::string_view rest = text.substr(at + scheme.size());
    if (std::min(rest.find_first_of(" \"\r\n'"), rest.size()) >= kShortest && rest.front() != '$')
      return true;
  }
  return false;
}

}  // namespace

bool IsSecretName(std::string_view name) {
  const Words words = WordsOf(name.substr(0, kMostNameBytes));
  for (size_t i = 0; i < words.size(); ++i) {
    if (IsSecretPair(words, i) && !EndsAboutIt(words, i + 1)) return true;
    if ((IsSecretWord(words, i) || IsSecretKey(words, i)) && !EndsAboutIt(words, i)) return true;
  }
  return false;
}

bool SecretNameMemory::IsSecret(std::string_view name) {
  constexpr size_t kMostNames = 4096;
  const auto known = known_.find(name);
  if (known != known_.end()) return known->second;
  const bool secret = IsSecretName(name);
  if (known_.size() < kMostNames && name.size() <= kMostNameBytes) known_.emplace(name, secret);
  return secret;
}

bool IsSecretOfType(std::string_view resource_type, std::string_view attribute) {
  const bool listed = std::any_of(
      std::begin(kSecretsOfTypes), std::end(kSecretsOfTypes),
      [&](const TypeRule& rule) { return rule.type == resource_type && rule.attribute == attribute; });
  if (listed) return true;
  return IsOneOf(attribute, kCarriers) && IsSecretName(resource_type);
}

bool HoldsSecret(std::string_view text) {
  return HasPasswordInUrl(text) || HasPasswordInDsn(text) || HasAuthorization(text) || HasAssignment(text) ||
         HasTellingSecret(text) || HasNamedSecret(text) ||
         text.find("hooks.slack.com/services/") != std::string_view::npos ||
         text.find("PRIVATE KEY-----") != std::string_view::npos;
}

}  // namespace countersign::terraform
