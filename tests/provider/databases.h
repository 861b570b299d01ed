#ifndef COUNTERSIGN_TESTS_PROVIDER_DATABASES_H_
#define COUNTERSIGN_TESTS_PROVIDER_DATABASES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace countersign::provider {

// The databases of one PostgreSQL server, which are what aws_db_instance really is; or of none at all, where
// every one exists and nothing happens. Thread-safe.
class Databases {
 public:
  // `endpoint`: libpq's connection string for a role that may create databases, or empty for no server.
  explicit Databases(std::string endpoint) : endpoint_(std::move(endpoint)) {}

  bool real() const { return !endpoint_.empty(); }
  // host:port as the server's clients know it.
  std::string Address() const;

  absl::StatusOr<bool> Exists(const std::string& name) const;
  absl::Status Create(const std::string& name) const;  // ALREADY_EXISTS
  // Throws out whoever uses it. OK if there is none.
  absl::Status Drop(const std::string& name) const;
  // Writes its content to a file, as SQL. UNAVAILABLE if pg_dump cannot.
  absl::Status Dump(const std::string& name, const std::string& path) const;

 private:
  absl::Status Execute(const std::string& sql) const;
  // The connection string for another database of the server.
  absl::StatusOr<std::string> DsnOf(const std::string& database) const;

  const std::string endpoint_;
};

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_DATABASES_H_
