#include "tests/support/migrated_database.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "server/base/mutex.h"
#include "server/postgres/connection.h"
#include "server/postgres/migrate.h"
#include "server/postgres/statements.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

constexpr char kRoles[] = R"sql(
CREATE ROLE countersign_server NOLOGIN;
CREATE ROLE test_owner LOGIN;
CREATE ROLE test_broker LOGIN IN ROLE countersign_server;
)sql";

std::string MakeTemplate(PostgresCluster& cluster) {
  cluster.Run("postgres", kRoles);
  const std::string name = cluster.CreateDatabase();
  cluster.Run(name, absl::StrCat("ALTER DATABASE ", name, " OWNER TO test_owner"));
  auto connection = postgres::Connection::Connect({.dsn = cluster.Dsn(name, "test_owner")});
  if (!connection.ok()) Fatal(std::string(connection.status().message()));
  std::string log;
  const auto migrated = postgres::Migrate(
      *connection, postgres::EmbeddedMigrations(),
      [&log](std::string_view text) { absl::StrAppend(&log, std::string(text), "\n"); },
      absl::InfiniteFuture());
  if (!migrated.ok()) {
    Fatal(absl::StrCat("the schema cannot be made: ", std::string(migrated.status().message()), "\n", log));
  }
  return name;
}

// By port: a process may have more than one cluster.
std::string TemplateOf(PostgresCluster& cluster) {
  static base::Mutex mutex;
  static auto* const templates = new std::map<int, std::string>();
  base::MutexLock lock(&mutex);
  std::string& name = (*templates)[cluster.port()];
  if (name.empty()) name = MakeTemplate(cluster);
  return name;
}

}  // namespace

MigratedDatabase::MigratedDatabase(PostgresCluster& cluster)
    : cluster_(cluster), name_(cluster.CreateDatabase(TemplateOf(cluster))) {}

MigratedDatabase::~MigratedDatabase() { cluster_.DropDatabase(name_); }

postgres::Connection MigratedDatabase::Connect() const {
  auto connection =
      postgres::Connection::Connect({.dsn = SuperuserDsn(), .statement_timeout = absl::ZeroDuration()});
  if (!connection.ok()) Fatal(std::string(connection.status().message()));
  return *std::move(connection);
}

int64_t MigratedDatabase::Int64(const std::string& sql) const {
  const auto result = Connect().Query(sql, {}, absl::InfiniteFuture());
  if (!result.ok()) Fatal(absl::StrCat(sql, ": ", std::string(result.status().message())));
  if (result->rows() != 1) Fatal(absl::StrCat(sql, ": ", result->rows(), " rows"));
  const int64_t value = result->Int64(0, 0);
  if (!result->status().ok()) Fatal(absl::StrCat(sql, ": is no number"));
  return value;
}

StoreOnPostgres::StoreOnPostgres(const std::string& dsn, size_t pool_size, postgres::Log log)
    : pool_({.connect = {.dsn = dsn, .application_name = "countersignd", .log = std::move(log)},
             .size = pool_size,
             .statements = postgres::statements::All()},
            &random_),
      store_(&pool_) {}

}  // namespace countersign::testing
