#include "server/postgres/migrate.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/error/error.h"

namespace countersign::postgres {
namespace {

// Any constant serves, so long as no other program takes the same lock in this database.
constexpr int64_t kLockKey = 0x636f756e74657273;  // "counters"
constexpr absl::Duration kLockPollEvery = absl::Milliseconds(200);

// The oldest that the statements and migrations are written for, as Connection::server_version() gives it.
constexpr int kOldestServer = 130000;

constexpr char kCreateVersionTable[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY)";

bool IsMarker(absl::string_view line, absl::string_view marker) {
  line = absl::StripAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, "--")) return false;
  return absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), marker);
}

// The versions in schema_migrations; none if there is no such table.
absl::StatusOr<std::set<std::string>> AppliedVersions(Connection& connection, absl::Time deadline) {
  const auto exists =
      connection.Query("SELECT to_regclass('schema_migrations') IS NOT NULL", Parameters(), deadline);
  if (!exists.ok()) return exists.status();
  if (absl::Status status = CheckServerVersion(connection.server_version()); !status.ok()) return status;
  std::set<std::string> versions;
  if (!exists->Bool(0, 0)) return versions;
  const auto rows = connection.Query("SELECT version FROM schema_migrations", Parameters(), deadline);
  if (!rows.ok()) return rows.status();
  for (int row = 0; row < rows->rows(); ++row) versions.emplace(rows->Text(row, 0));
  if (absl::Status status = rows->status(); !status.ok()) return status;
  return versions;
}

SchemaState Compare(const std::set<std::string>& applied, std::span<const Migration> migrations) {
  SchemaState state;
  std::set<std::string> unknown = applied;
  for (const Migration& migration : migrations) {
    if (unknown.erase(migration.version) == 0) state.missing.push_back(migration.version);
  }
  state.unknown.assign(unknown.begin(), unknown.end());
  state.kind = !state.unknown.empty()   ? SchemaState::Kind::kUnknownNewer
               : !state.missing.empty() ? SchemaState::Kind::kBehind
                                        : SchemaState::Kind::kCurrent;
  return state;
}

// Asks again and again instead of waiting inside a statement: that would hold a snapshot, and CREATE INDEX
// CONCURRENTLY in whoever has the lock would wait for us.
absl::Status Lock(Connection& connection, const Log& progress, absl::Time deadline) {
  for (bool told = false;; told = true) {
    const auto locked =
        connection.Query("SELECT pg_try_advisory_lock($1::int8)", Parameters().Int64(kLockKey), deadline);
    if (!locked.ok()) return locked.status();
    if (locked->Bool(0, 0)) return absl::OkStatus();
    if (!told && progress) progress("another migration of this database is running; waiting for it to end");
    if (absl::Status status = connection.WaitReadable(kLockPollEvery); !status.ok()) return status;
  }
}

absl::Status Record(Connection& connection, const Migration& migration, absl::Time deadline) {
  return connection
      .Query("INSERT INTO schema_migrations (version) VALUES ($1::text)",
             Parameters().Text(migration.version), deadline)
      .status();
}

absl::Status ApplyInTransaction(Connection& connection, const Migration& migration, absl::Time deadline) {
  if (absl::Status status = connection.Script("BEGIN", deadline); !status.ok()) return status;
  absl::Status status = connection.Script(migration.sql_up, deadline);
  if (status.ok() && !connection.InTransaction()) {
    return error::Make(v1::INTERNAL, absl::StrCat(migration.name, " ends its own transaction; it must not"));
  }
  if (status.ok()) status = Record(connection, migration, deadline);
  if (status.ok()) return connection.Script("COMMIT", deadline);
  connection.Script("ROLLBACK", deadline).IgnoreError();
  return status;
}

absl::Status ApplyBare(Connection& connection, const Migration& migration, absl::Time deadline) {
  if (absl::Status status = connection.Script(migration.sql_up, deadline); !status.ok()) return status;
  return Record(connection, migration, deadline);
}

absl::Status Applicable(const std::set<std::string>& applied, const SchemaState& state) {
  if (!state.unknown.empty()) {
    return error::Make(v1::WRONG_STATE,
                       absl::StrCat("the database has migrations that this program does not know (",
                                    absl::StrJoin(state.unknown, ", "), "); use a newer program"));
  }
  if (!state.missing.empty() && !applied.empty() && state.missing.front() < *applied.rbegin()) {
    return error::Make(v1::WRONG_STATE,
                       absl::StrCat("migration ", state.missing.front(), " is missing although ",
                                    *applied.rbegin(), " is applied; restore the database"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ApplyMissing(Connection& connection,
                                                      std::span<const Migration> migrations,
                                                      const Log& progress, absl::Time deadline) {
  if (absl::Status status = CheckServerVersion(connection.server_version()); !status.ok()) return status;
  if (absl::Status status = connection.Script(kCreateVersionTable, deadline); !status.ok()) return status;
  const auto applied = AppliedVersions(connection, deadline);
  if (!applied.ok()) return applied.status();
  if (absl::Status status = Applicable(*applied, Compare(*applied, migrations)); !status.ok()) return status;
  std::vector<std::string> done;
  for (const Migration& migration : migrations) {
    if (applied->contains(migration.version)) continue;
    if (progress) progress(absl::StrCat("applying ", migration.name));
    const absl::Status status = migration.transaction ? ApplyInTransaction(connection, migration, deadline)
                                                      : ApplyBare(connection, migration, deadline);
    if (!status.ok()) {
      if (progress) progress(absl::StrCat(migration.name, " failed; the migrations before it stay applied"));
      return status;
    }
    done.push_back(migration.version);
  }
  return done;
}

}  // namespace

absl::Status CheckServerVersion(int version) {
  if (version >= kOldestServer) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("the database is PostgreSQL ", version / 10000,
                                               ", which is too old; use PostgreSQL ", kOldestServer / 10000,
                                               " or newer"));
}

absl::StatusOr<Migration> ParseMigration(std::string_view file_name, std::string_view text) {
  Migration migration{.version = {}, .name = std::string(file_name), .sql_up = {}, .transaction = true};
  const size_t digits = file_name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || file_name[digits] != '_') {
    return absl::InvalidArgumentError(
        absl::StrCat(migration.name, ": the name does not begin with digits and _"));
  }
  migration.version = std::string(file_name.substr(0, digits));
  bool up = false;
  bool seen = false;
  for (const absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (IsMarker(line, "migrate:up")) {
      up = seen = true;
      migration.transaction = !absl::StrContains(line, "transaction:false");
    } else if (IsMarker(line, "migrate:down")) {
      up = false;
    } else if (up) {
      absl::StrAppend(&migration.sql_up, line, "\n");
    }
  }
  if (!seen) return absl::InvalidArgumentError(absl::StrCat(migration.name, ": no line -- migrate:up"));
  return migration;
}

absl::StatusOr<SchemaState> CheckSchema(Connection& connection, std::span<const Migration> migrations,
                                        absl::Time deadline) {
  const auto applied = AppliedVersions(connection, deadline);
  if (!applied.ok()) return applied.status();
  return Compare(*applied, migrations);
}

absl::StatusOr<std::vector<std::string>> Migrate(Connection& connection,
                                                 std::span<const Migration> migrations, const Log& progress,
                                                 absl::Time deadline) {
  if (absl::Status status = Lock(connection, progress, deadline); !status.ok()) return status;
  auto applied = ApplyMissing(connection, migrations, progress, deadline);
  // Should this fail, the lock goes with the session.
  connection.Query("SELECT pg_advisory_unlock($1::int8)", Parameters().Int64(kLockKey), deadline)
      .status()
      .IgnoreError();
  return applied;
}

}  // namespace countersign::postgres
