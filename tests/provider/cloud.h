#ifndef COUNTERSIGN_TESTS_PROVIDER_CLOUD_H_
#define COUNTERSIGN_TESTS_PROVIDER_CLOUD_H_

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/provider/databases.h"
#include "tests/provider/rows.h"
#include "tests/provider/schema.h"
#include "tests/provider/value.h"

namespace countersign::provider {

struct CloudSettings {
  std::string region;
  std::string endpoint;   // Of the PostgreSQL server with the databases; empty: none.
  std::string directory;  // Of the rows.
  std::string backups_directory;
};

// What the provider manages. A database instance is a PostgreSQL database with backups, everything else is a
// row. It has the cloud's teeth: what is protected is not deleted, a full bucket neither, and automated
// backups go with their database unless delete_automated_backups says no.
//
// Backups are files: automated/IDENTIFIER/* under the backups' directory, and manual/SNAPSHOT.sql. Objects of
// a bucket are the files in objects/BUCKET under the rows' directory.
//
// Thread-safe, as long as no two calls are about the same thing. Errors are for people.
class Cloud {
 public:
  explicit Cloud(CloudSettings settings);

  // Each returns the complete value as it is from now on. `planned` is known but for what is computed.
  absl::StatusOr<Json> Create(const ResourceType& type, Json planned) const;
  absl::StatusOr<Json> Update(const ResourceType& type, Json planned) const;
  // Goes by what `prior` says, as the cloud's own provider does; only protection is asked of the thing
  // itself.
  absl::Status Delete(const ResourceType& type, const Json& prior) const;
  // By `id` alone; null if it does not exist.
  absl::StatusOr<Json> Read(const ResourceType& type, const Json& state) const;
  absl::StatusOr<Json> ReadData(const ResourceType& source, const Json& config) const;

 private:
  absl::StatusOr<std::string> NewId(const ResourceType& type, const Json& planned) const;
  // Fills in what is unknown.
  void Choose(const ResourceType& type, const Block& block, Json* value) const;
  Json Chosen(const ResourceType& type, const std::string& attribute, const Json& object) const;

  absl::Status CreateBehind(const ResourceType& type, const Json& row) const;
  absl::Status MayDelete(const ResourceType& type, const Json& prior) const;
  absl::Status DeleteBehind(const ResourceType& type, const Json& prior) const;
  absl::Status DeleteDatabase(const Json& prior) const;
  absl::Status BackUp(const Json& row) const;
  absl::Status TakeSnapshot(const std::string& database, const std::string& snapshot) const;
  std::filesystem::path AutomatedBackups(const std::string& database) const;
  std::filesystem::path Snapshot(const std::string& snapshot) const;

  const CloudSettings settings_;
  const Rows rows_;
  const Databases databases_;
};

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_CLOUD_H_
