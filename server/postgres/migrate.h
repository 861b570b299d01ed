// Brings the schema up to date, with numbered files in dbmate's format ("-- migrate:up", "-- migrate:down",
// table schema_migrations), so that dbmate and this program can be used in turn on one database.
#ifndef COUNTERSIGN_SERVER_POSTGRES_MIGRATE_H_
#define COUNTERSIGN_SERVER_POSTGRES_MIGRATE_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/postgres/connection.h"

namespace countersign::postgres {

struct Migration {
  std::string version = {};  // "0001": the digits before the file name's first underscore.
  std::string name = {};     // "0001_first.sql"
  std::string sql_up = {};   // What stands between "-- migrate:up" and "-- migrate:down".
  bool transaction = true;   // False after "-- migrate:up transaction:false": one re-runnable statement.
};

// One migration from a file's name and text. INVALID_ARGUMENT if either is not in dbmate's format.
absl::StatusOr<Migration> ParseMigration(std::string_view file_name, std::string_view text);

// The files of migrations/ as they were when this program was built, by version.
const std::vector<Migration>& EmbeddedMigrations();

struct SchemaState {
  enum class Kind {
    kCurrent,       // Every known migration is applied, and no other.
    kBehind,        // Some known migrations are missing.
    kUnknownNewer,  // A migration is applied that this program does not know.
  };
  Kind kind = Kind::kBehind;
  std::vector<std::string> missing;  // Versions, ascending.
  std::vector<std::string> unknown;  // Versions, ascending.
};

// UNIMPLEMENTED for a server that is older than any that this program works with. `version` is as
// Connection::server_version() gives it. Pure.
absl::Status CheckServerVersion(int version);

// UNIMPLEMENTED as CheckServerVersion(). Reads which migrations are applied. The serving role may read
// schema_migrations, nothing more is needed.
absl::StatusOr<SchemaState> CheckSchema(Connection& connection, std::span<const Migration> migrations,
                                        absl::Time deadline);

// Applies what is missing, in order, each step in one transaction with its row in schema_migrations, all of
// it under a session's advisory lock, so that several may be started at once. Returns the versions applied.
// `progress` is told what happens. Errors: UNIMPLEMENTED as CheckServerVersion(); WRONG_STATE if an unknown
// migration is applied, or a missing one is older than one applied; else the failed step's; the steps before
// it stay. The connection should have no statement_timeout.
absl::StatusOr<std::vector<std::string>> Migrate(Connection& connection,
                                                 std::span<const Migration> migrations, const Log& progress,
                                                 absl::Time deadline);

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_MIGRATE_H_
