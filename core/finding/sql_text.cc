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
constexpr std::array<std::string_view, 12> kOpaque = {"do",   "execute", "call",    "copy",
                                                      "load", "eval",    "prepare", "source",
                                                      "exec", "import",  "outfile", "dumpfile"};
constexpr std::array<std::string_view, 10> kReads = {"select", "show", "explain",  "with", "values",
                                                     "table",  "desc", "describe", "use",  "begin"};
constexpr std::array<std::string_view, 16> kChanges = {
    "insert",  "update",  "create", "alter",   "grant",   "revoke",   "commit", "merge",
    "replace", "comment", "vacuum", "analyze", "reindex", "rollback", "set",    "pragma"};
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
};

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::vector<Word> WordsOf(std::string_view lower) {
  std::vector<Word> words;
  for (size_t i = 0; i < lower.size();) {
    size_t end = i;
    while (end < lower.size() && IsWordCharacter(lower[end])) ++end;
    if (end > i) {
      const size_t next = lower.find_first_not_of(" \t\r\n", end);
      words.push_back(
          {std::string(lower.substr(i, end - i)), next != std::string_view::npos && lower[next] == '('});
    }
    i = std::max(end, i + 1);
  }
  return words;
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

void JudgeStatement(std::string_view statement, SqlVerdict* verdict) {
  const std::vector<Word> words = WordsOf(statement);
  if (words.empty()) return;
  const std::string& first = words.front().text;
  if (Contains(kChanges, first)) {
    Worsen(Does::kChanges, "changes a database", verdict);
  } else if (!Contains(kReads, first) && !Contains(kDestroys, first)) {
    Worsen(Does::kOpaque, "what it does to the database cannot be told from its text", verdict);
  }
  bool where = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    where |= word == "where";
    if (Contains(kDestroys, word)) {
      const std::string object = i + 1 < words.size() ? text::Concat(" ", words[i + 1].text) : "";
      Worsen(Does::kDestroys, text::Concat("destroys data with ", Upper(Cut(word + object, 40))), verdict);
    } else if (Contains(kOpaque, word) || (words[i].called && !Contains(kFunctions, word) && i > 0)) {
      Worsen(Does::kOpaque, text::Concat("what ", Cut(word, 40), " does cannot be told from its text"),
             verdict);
    }
  }
  if (first == "update" && !where) Worsen(Does::kDestroys, "overwrites every row of a table", verdict);
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
  if (lower.find('\\') != std::string::npos && !OnlyShows(text::Strip(lower))) {
    Worsen(Does::kOpaque, "what it does beside the database cannot be told from its text", &verdict);
  }
  for (const std::string_view statement : text::Split(lower, ';')) {
    const std::string_view stripped = text::Strip(statement);
    if (!OnlyShows(stripped)) JudgeStatement(stripped, &verdict);
  }
  if (verdict.what.empty()) verdict.what = "only reads";
  return verdict;
}

}  // namespace countersign::finding
