#include "server/postgres/dsn.h"

#include <libpq-fe.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "server/postgres/connection.h"

namespace countersign::postgres {
namespace {

// libpq marks what must not be shown with "*"; options that name or unlock keys are treated alike.
bool IsSecret(const PQconninfoOption& option) {
  const std::string_view keyword = option.keyword;
  return (option.dispchar != nullptr && option.dispchar[0] == '*') || keyword == "password" ||
         keyword == "sslpassword" || keyword == "passfile";
}

// nullptr when libpq cannot read it.
std::unique_ptr<PQconninfoOption, PgDeleter> Parse(std::string_view dsn) {
  char* error = nullptr;
  std::unique_ptr<PQconninfoOption, PgDeleter> options(PQconninfoParse(std::string(dsn).c_str(), &error));
  if (error != nullptr) PQfreemem(error);  // Not shown: it quotes the string.
  return options;
}

}  // namespace

bool IsReadable(std::string_view dsn) { return Parse(dsn) != nullptr; }

std::string Redacted(std::string_view dsn) {
  const auto options = Parse(dsn);
  if (options == nullptr) return "(a connection string that cannot be read)";
  std::vector<std::string> shown;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    const std::string value = IsSecret(*option) ? "***" : option->val;
    const bool plain = !value.empty() && value.find_first_of(" '\\") == std::string::npos;
    const std::string quoted =
        absl::StrCat("'", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
    shown.push_back(absl::StrCat(option->keyword, "=", plain ? value : quoted));
  }
  return absl::StrJoin(shown, " ");
}

}  // namespace countersign::postgres
