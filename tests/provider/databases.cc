#include "tests/provider/databases.h"

#include <libpq-fe.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace countersign::provider {
namespace {

struct Deleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Connection = std::unique_ptr<PGconn, Deleter>;
using Result = std::unique_ptr<PGresult, Deleter>;
using Options = std::unique_ptr<PQconninfoOption, Deleter>;

constexpr char kDuplicateDatabase[] = "42P04";

std::string QuoteName(const std::string& name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

absl::StatusOr<Connection> Connect(const std::string& dsn) {
  Connection connection(PQconnectdb(dsn.c_str()));
  if (PQstatus(connection.get()) == CONNECTION_OK) return connection;
  return absl::UnavailableError(absl::StripAsciiWhitespace(PQerrorMessage(connection.get())));
}

absl::Status StatusOf(const Connection& connection, const Result& result) {
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return absl::OkStatus();
  const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  const absl::string_view text = absl::StripAsciiWhitespace(PQerrorMessage(connection.get()));
  if (state != nullptr && std::strcmp(state, kDuplicateDatabase) == 0) return absl::AlreadyExistsError(text);
  return absl::UnavailableError(text);
}

// Runs a program to its end, its standard output thrown away: ours belongs to Terraform's handshake.
absl::Status RunProgram(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return absl::UnavailableError(absl::StrCat("cannot run ", argv[0], ": ", std::strerror(error)));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(argv[0], " failed; its own words are in Terraform's log"));
}

}  // namespace

absl::StatusOr<std::string> Databases::DsnOf(const std::string& database) const {
  char* message = nullptr;
  const Options options(PQconninfoParse(endpoint_.c_str(), &message));
  if (options == nullptr) {
    PQfreemem(message);
    return absl::InvalidArgumentError("the provider's endpoint is no connection string");
  }
  std::string dsn;
  const auto add = [&](absl::string_view keyword, const std::string& value) {
    absl::StrAppend(&dsn, dsn.empty() ? "" : " ", keyword, "='",
                    absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
  };
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr && std::strcmp(option->keyword, "dbname") != 0)
      add(option->keyword, option->val);
  }
  add("dbname", database);
  return dsn;
}

std::string Databases::Address() const {
  const Options options(PQconninfoParse(endpoint_.c_str(), nullptr));
  std::string host = "localhost";
  std::string port = "5432";
  for (const PQconninfoOption* option = options.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val == nullptr) continue;
    if (std::strcmp(option->keyword, "host") == 0) host = option->val;
    if (std::strcmp(option->keyword, "port") == 0) port = option->val;
  }
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<bool> Databases::Exists(const std::string& name) const {
  if (!real()) return true;
  const absl::StatusOr<Connection> connection = Connect(endpoint_);
  if (!connection.ok()) return connection.status();
  const char* const values[] = {name.c_str()};
  const Result result(PQexecParams(connection->get(), "SELECT 1 FROM pg_database WHERE datname = $1", 1,
                                   nullptr, values, nullptr, nullptr, 0));
  if (absl::Status status = StatusOf(*connection, result); !status.ok()) return status;
  return PQntuples(result.get()) == 1;
}

absl::Status Databases::Execute(const std::string& sql) const {
  if (!real()) return absl::OkStatus();
  const absl::StatusOr<Connection> connection = Connect(endpoint_);
  if (!connection.ok()) return connection.status();
  return StatusOf(*connection, Result(PQexec(connection->get(), sql.c_str())));
}

absl::Status Databases::Create(const std::string& name) const {
  return Execute(absl::StrCat("CREATE DATABASE ", QuoteName(name)));
}

absl::Status Databases::Drop(const std::string& name) const {
  return Execute(absl::StrCat("DROP DATABASE IF EXISTS ", QuoteName(name), " WITH (FORCE)"));
}

absl::Status Databases::Dump(const std::string& name, const std::string& path) const {
  if (!real()) {
    std::ofstream file(path, std::ios::binary);
    file << "-- "
         << "no server, no content" << '\n';
    file.close();
    return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
  }
  const absl::StatusOr<std::string> dsn = DsnOf(name);
  if (!dsn.ok()) return dsn.status();
  return RunProgram({"pg_dump", absl::StrCat("--dbname=", *dsn), absl::StrCat("--file=", path)});
}

}  // namespace countersign::provider
