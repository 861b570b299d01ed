#include "core/finding/sql_text.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Does = SqlVerdict::Does;

constexpr std::array<std::string_view, 22> kDestroys = {"drop",
                                                        "truncate",
                                                        "delete",
                                                        "purge",
                                                        "dropdatabase",
                                                        "dropcollection",
                                                        "dropuser",
                                                        "dropindex",
                                                        "dropindexes",
                                                        "deletemany",
                                                        "deleteone",
                                                        "findoneanddelete",
                                                        "remove",
                                                        "removeone",
                                                        "flushall",
                                                        "flushdb",
                                                        "unlink",
                                                        "lo_unlink",
                                                        "pg_drop_replication_slot",
                                                        "detach",
                                                        "drop_chunks",
                                                        "erase"};
// Run what stands elsewhere, or what is put together while they run.
constexpr std::array<std::string_view, 13> kOpaque = {"do",      "execute",  "call",   "copy", "load",
                                                      "eval",    "prepare",  "source", "exec", "import",
                                                      "outfile", "dumpfile", "uescape"};
constexpr std::array<std::string_view, 10> kReads = {"select", "show", "explain",  "with", "values",
                                                     "table",  "desc", "describe", "use",  "begin"};
constexpr std::array<std::string_view, 16> kChanges = {
    "insert",  "update",  "create", "alter",   "grant",   "revoke",   "commit", "merge",
    "replace", "comment", "vacuum", "analyze", "reindex", "rollback", "set",    "pragma"};
// Words that make a statement change something which begins as one that reads.
constexpr std::array<std::string_view, 8> kChangesWithin = {"insert", "update", "merge", "replace",
                                                            "upsert", "into",   "alter", "create"};
// Before UPDATE where it is hardly a statement: FOR UPDATE, ON UPDATE CASCADE, ON DUPLICATE KEY UPDATE.
constexpr std::array<std::string_view, 7> kBeforeUpdate = {"for", "key", "on", "before", "after", "or", "of"};
// Begin statements that name UPDATE as a right or as an event.
constexpr std::array<std::string_view, 4> kDefines = {"grant", "revoke", "create", "alter"};
// What ALTER is followed by where it says how the server works and who may do what.
constexpr std::array<std::string_view, 8> kServerObjects = {"system", "role",     "user",   "group",
                                                            "login",  "database", "server", "default"};
// Attributes and roles with which somebody may do nearly anything.
constexpr std::array<std::string_view, 12> kPowers = {"superuser",
                                                      "createrole",
                                                      "bypassrls",
                                                      "replication",
                                                      "super",
                                                      "sysadmin",
                                                      "db_owner",
                                                      "rds_superuser",
                                                      "cloudsqlsuperuser",
                                                      "pg_execute_server_program",
                                                      "pg_write_server_files",
                                                      "pg_read_server_files"};
// Commands of clients that run programs, or read or write files, without a leading dot.
constexpr std::array<std::string_view, 14> kClientCommands = {"shell", "system",  "import", "output", "once",
                                                              "read",  "load",    "open",   "excel",  "log",
                                                              "trace", "restore", "clone",  "save"};
// Functions that only compute.
constexpr std::array<std::string_view, 24> kFunctions = {
    "count",  "sum",     "min",    "max",  "avg",  "coalesce", "lower",          "upper",
    "length", "now",     "round",  "abs",  "cast", "in",       "values",         "version",
    "exists", "extract", "concat", "date", "over", "as",       "pg_size_pretty", "pg_database_size"};

template <size_t kSize>
bool Contains(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Word {
  std::string text;     // In lower case.
  bool called = false;  // An opening parenthesis follows.
  size_t at = 0;        // Where it begins.
};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool StartsAt(std::string_view text, size_t at, std::string_view wanted) {
  return text.substr(std::min(at, text.size())).starts_with(wanted);
}

// Where a comment that begins at `at` ends; `at` where none does.
size_t EndOfComment(std::string_view text, size_t at) {
  if (StartsAt(text, at, "--") || StartsAt(text, at, "#")) return std::min(text.find('\n', at), text.size());
  if (!StartsAt(text, at, "/*")) return at;
  const size_t end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

// Where what is quoted from `at` on ends; `at` where nothing is.
size_t EndOfQuoted(std::string_view text, size_t at, bool backslash_escapes) {
  const char quote = text[at];
  if (quote == '$') {
    size_t tag = at + 1;
    while (tag < text.size() && IsWordCharacter(text[tag])) ++tag;
    if (tag >= text.size() || text[tag] != '$') return at;
    const std::string_view bounds = text.substr(at, tag + 1 - at);
    const size_t end = text.find(bounds, tag + 1);
    return end == std::string_view::npos ? text.size() : end + bounds.size();
  }
  if (quote != '\'' && quote != '"' && quote != '`') return at;
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && backslash_escapes) {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return text.size();
}

// What is read differently by databases where it stands in a comment or in quotes of some of them only.
bool IsAmbiguous(std::string_view inside) {
  return inside.find_first_of("'\"`$\\#") != std::string_view::npos ||
         inside.find("--") != std::string_view::npos || inside.find("/*") != std::string_view::npos;
}

// `text` with spaces for comments and for what is quoted, and from where databases differ for all else.
std::string WithoutCommentsAndQuotes(std::string_view text, bool backslash_escapes) {
  std::string bare(text);
  for (size_t i = 0; i < text.size();) {
    const size_t comment = EndOfComment(text, i);
    const bool is_comment = comment > i;
    size_t end = is_comment ? comment : EndOfQuoted(text, i, backslash_escapes);
    const size_t inside = i + (is_comment && text[i] != '#' ? 2 : 1);
    const bool everywhere = !is_comment && (text[i] == '\'' || text[i] == '"');
    if (end > inside && !everywhere &&
        IsAmbiguous(text.substr(inside, end - inside - (is_comment ? 0 : 1)))) {
      end = text.size();
    }
    for (size_t j = i; j < end; ++j) bare[j] = ' ';
    i = std::max(end, i + 1);
  }
  return bare;
}

// What may stand outside of quotes, and what certainly does in every reading.
struct BareText {
  explicit BareText(std::string_view text) : possible(text), certain(WithoutCommentsAndQuotes(text, true)) {
    const std::string unescaped = WithoutCommentsAndQuotes(text, false);
    for (size_t i = 0; i < text.size(); ++i) {
      if (unescaped[i] == ' ') certain[i] = ' ';
    }
    const bool plain = text.find_first_of("`$\\#") == std::string_view::npos &&
                       text.find("--") == std::string_view::npos && text.find("/*") == std::string_view::npos;
    if (plain) possible = certain;
  }
  std::string possible;
  std::string certain;
};

// Whether a parenthesis opens after a word that ends at `at`, past the quotes of the word and comments. Taken
// to where it is too far off to look.
bool IsCalled(std::string_view text, size_t at) {
  constexpr size_t kFar = 1024;
  const size_t begin = at;
  while (at < text.size()) {
    if (at - begin > kFar) return true;
    const size_t comment = EndOfComment(text, at);
    if (comment == at && std::string_view(" \t\r\n\f\v\"`]").find(text[at]) == std::string_view::npos) break;
    at = std::max(comment, at + 1);
  }
  return at < text.size() && text[at] == '(';
}

std::vector<Word> WordsOf(std::string_view lower) {
  std::vector<Word> words;
  for (size_t i = 0; i < lower.size();) {
    size_t end = i;
    while (end < lower.size() && IsWordCharacter(lower[end])) ++end;
    if (end > i) words.push_back({std::string(lower.substr(i, end - i)), IsCalled(lower, end), i});
    i = std::max(end, i + 1);
  }
  return words;
}

// Whether WHERE follows `from` within the same parentheses.
bool HasWhere(std::string_view certain, size_t from) {
  constexpr std::string_view kWhere = "where";
  int open = 0;
  for (size_t i = from; i < certain.size(); ++i) {
    if (certain[i] == '(') ++open;
    if (certain[i] == ')' && --open < 0) return false;
    const size_t end = i + kWhere.size();
    if (open == 0 && StartsAt(certain, i, kWhere) && (i == 0 || !IsWordCharacter(certain[i - 1])) &&
        (end >= certain.size() || !IsWordCharacter(certain[end]))) {
      return true;
    }
  }
  return false;
}

void Worsen(Does does, std::string what, SqlVerdict* verdict) {
  if (does < verdict->does || (does == verdict->does && !verdict->what.empty())) return;
  verdict->does = does;
  verdict->what = std::move(what);
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

bool IsAmong(const std::vector<Word>& words, size_t from, std::string_view wanted) {
  return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(std::min(from, words.size())), words.end(),
                     [wanted](const Word& word) { return word.text == wanted; });
}

// ALTER, and what gives rights.
void JudgeDefinition(const std::vector<Word>& words, SqlVerdict* verdict) {
  const std::string& first = words[0].text;
  const std::string_view second = words.size() > 1 ? std::string_view(words[1].text) : "";
  const bool alters = first == "alter";
  if (alters && Contains(kServerObjects, second)) {
    return Worsen(Does::kWeakens, "changes how the server works, or who may do what", verdict);
  }
  if (first == "set" && (second == "global" || second == "persist" || second == "role")) {
    return Worsen(Does::kWeakens, "changes how the server works, or who may do what", verdict);
  }
  const bool gives = first == "create" || first == "grant";
  if (gives && std::any_of(words.begin(), words.end(),
                           [](const Word& word) { return Contains(kPowers, word.text); })) {
    return Worsen(Does::kWeakens, "lets somebody do nearly anything in the database", verdict);
  }
  if (!alters) return;
  if (IsAmong(words, 3, "using")) {
    return Worsen(Does::kDestroys, "overwrites a column of a table", verdict);
  }
  for (const std::string_view word : {"type", "modify", "change", "disable"}) {
    if (IsAmong(words, 3, word)) {
      return Worsen(Does::kWeakens, "changes the type of a column or switches something off", verdict);
    }
  }
}

// Whether the word UPDATE at `i` begins a statement or stands within one: UPDATE ONLY schema.table alias SET.
bool IsUpdate(std::string_view first, const std::vector<Word>& words, size_t i) {
  const std::string_view before = i > 0 ? std::string_view(words[i - 1].text) : "";
  const auto is_set = [&words](size_t at) { return at < words.size() && words[at].text == "set"; };
  if ((before == "do" || before == "then") && is_set(i + 1)) return false;
  if (!Contains(kBeforeUpdate, before) && !Contains(kDefines, first)) return true;
  return is_set(i + 2) || is_set(i + 3) || is_set(i + 4) || is_set(i + 5);
}

// Whether REPLACE at `i` overwrites what is there: not in CREATE OR REPLACE VIEW and the like, outside of a
// comment.
bool ReplacesData(const std::vector<Word>& words, size_t i, std::string_view certain) {
  const bool creates =
      i >= 2 && words[i - 1].text == "or" && words[i - 2].text == "create" && certain[words[i - 2].at] != ' ';
  const bool table = i + 1 < words.size() && words[i + 1].text == "table";
  return !words[i].called && (!creates || table);
}

// What changes rows that are there already: REPLACE, INSERT ... ON DUPLICATE KEY UPDATE, ON CONFLICT DO
// UPDATE.
bool OverwritesRows(const std::vector<Word>& words, std::string_view certain) {
  bool inserts = false;
  bool collides = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (word == "replace" && ReplacesData(words, i, certain)) return true;
    inserts |= word == "insert";
    collides |= inserts && (word == "duplicate" || word == "conflict");
    if (collides && word == "update") return true;
  }
  return false;
}

// What changes although the statement begins as one that reads, and what overwrites every row.
void JudgeChanges(const std::vector<Word>& words, std::string_view certain, SqlVerdict* verdict) {
  // A word of a comment does not say how the statement begins.
  const std::string_view first = certain[words[0].at] == ' ' ? "" : std::string_view(words[0].text);
  if (first == "show") return;
  const bool explains = first == "explain" || first == "describe" || first == "desc";
  if (explains && !IsAmong(words, 1, "analyze") && !IsAmong(words, 1, "analyse")) return;
  if (OverwritesRows(words, certain)) Worsen(Does::kWeakens, "overwrites rows of a table", verdict);
  constexpr int kMaxUpdates = 100;
  int updates = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const Word& word = words[i];
    const bool update = word.text == "update";
    if ((update && !IsUpdate(first, words, i)) || (word.text == "replace" && word.called)) continue;
    if (Contains(kChangesWithin, word.text)) Worsen(Does::kChanges, "changes a database", verdict);
    if (update && (++updates > kMaxUpdates || !HasWhere(certain, word.at))) {
      Worsen(Does::kDestroys, "overwrites every row of a table", verdict);
    }
  }
}

// Without what may stand in a comment before the statement: that would say how it begins.
std::vector<Word> FromFirstCertain(std::vector<Word> words, std::string_view certain) {
  words.erase(words.begin(), std::find_if(words.begin(), words.end(),
                                          [certain](const Word& word) { return certain[word.at] != ' '; }));
  return words;
}

void JudgeStatement(std::string_view statement, std::string_view possible, std::string_view certain,
                    SqlVerdict* verdict) {
  const std::vector<Word> words = WordsOf(statement);
  if (words.empty()) return;
  const std::vector<Word> bare_words = WordsOf(possible);
  const std::vector<Word> begin = FromFirstCertain(words, certain);
  const std::string first = begin.empty() ? "" : begin.front().text;
  if (Contains(kClientCommands, begin.empty() ? words.front().text : first)) {
    Worsen(Does::kRuns, "makes the client run a program, or read or write a file", verdict);
  }
  if (Contains(kChanges, first)) {
    Worsen(Does::kChanges, "changes a database", verdict);
  } else if (!Contains(kReads, first) && !Contains(kDestroys, first)) {
    Worsen(Does::kOpaque, "what it does to the database cannot be told from its text", verdict);
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (Contains(kDestroys, word)) {
      const std::string object = i + 1 < words.size() ? text::Concat(" ", words[i + 1].text) : "";
      Worsen(Does::kDestroys, text::Concat("destroys data with ", Upper(Cut(word + object, 40))), verdict);
    } else if (Contains(kOpaque, word) || (words[i].called && !Contains(kFunctions, word) && i > 0)) {
      Worsen(Does::kOpaque, text::Concat("what ", Cut(word, 40), " does cannot be told from its text"),
             verdict);
    }
  }
  const auto copy = std::find_if(bare_words.begin(), bare_words.end(),
                                 [](const Word& word) { return word.text == "copy"; });
  if (IsAmong(bare_words, static_cast<size_t>(copy - bare_words.begin()), "program")) {
    Worsen(Does::kRuns, "runs a program on the database's server", verdict);
  }
  JudgeDefinition(words, verdict);
  if (!begin.empty()) JudgeDefinition(begin, verdict);
  if (!bare_words.empty()) JudgeChanges(bare_words, certain, verdict);
}

// \dt and \l with the name of what they show, and nothing that a client would put in or run.
bool OnlyShows(std::string_view statement) {
  if (!statement.starts_with("\\d") && !statement.starts_with("\\l")) return false;
  const size_t end = std::min(statement.find(' '), statement.size());
  const std::string_view command = statement.substr(0, end);
  if (command.starts_with("\\l") && command != "\\l" && command != "\\l+") return false;
  return std::all_of(statement.begin() + 1, statement.end(), [](char c) {
    return IsWordCharacter(c) || c == ' ' || c == '.' || c == '*' || c == '+';
  });
}

}  // namespace

SqlVerdict JudgeSql(std::string_view text) {
  SqlVerdict verdict;
  const std::string lower = Lower(text);
  // A client's own commands: \dt shows, \! runs a program, \i reads a file.
  const std::string_view whole = text::Strip(lower);
  if (lower.find('\\') != std::string::npos && !OnlyShows(whole)) {
    const bool runs = whole.starts_with('\\') || lower.find("\\!") != std::string::npos;
    Worsen(runs ? Does::kRuns : Does::kOpaque,
           "what it does beside the database cannot be told from its text", &verdict);
  }
  // Comments that MySQL carries out.
  if (lower.find("/*!") != std::string::npos || lower.find("/*m!") != std::string::npos) {
    Worsen(Does::kOpaque, "what its comments do cannot be told from its text", &verdict);
  }
  const BareText bare(lower);
  for (const std::string_view statement : text::Split(lower, ';')) {
    const size_t at = static_cast<size_t>(statement.data() - lower.data());
    if (OnlyShows(text::Strip(statement))) continue;
    JudgeStatement(statement, std::string_view(bare.possible).substr(at, statement.size()),
                   std::string_view(bare.certain).substr(at, statement.size()), &verdict);
  }
  if (verdict.what.empty()) verdict.what = "only reads";
  return verdict;
}

}  // namespace countersign::finding
