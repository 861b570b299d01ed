#include "tests/provider/cloud.h"

#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace countersign::provider {
namespace {

constexpr char kAccount[] = "123456789012";

bool IsDatabase(const ResourceType& type) { return type.name == "aws_db_instance"; }
bool IsSnapshot(const ResourceType& type) { return type.name == "aws_db_snapshot"; }

std::string ArnOf(const ResourceType& type, const std::string& region, const std::string& id) {
  return absl::StrCat("arn:aws:", type.service, ":", region, ":", kAccount, ":", type.name.substr(4), "/",
                      id);
}

absl::Status MakeDirectory(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (!failed) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot make ", path.string(), ": ", failed.message()));
}

bool IsEmptyOrMissing(const std::filesystem::path& directory) {
  std::error_code missing;
  const bool empty = std::filesystem::is_empty(directory, missing);
  return empty || missing;
}

}  // namespace

Cloud::Cloud(CloudSettings settings)
    : settings_(std::move(settings)), rows_(settings_.directory), databases_(settings_.endpoint) {}

std::filesystem::path Cloud::AutomatedBackups(const std::string& database) const {
  return std::filesystem::path(settings_.backups_directory) / "automated" / FileName(database);
}

std::filesystem::path Cloud::Snapshot(const std::string& snapshot) const {
  return std::filesystem::path(settings_.backups_directory) / "manual" / (FileName(snapshot) + ".sql");
}

absl::StatusOr<std::string> Cloud::NewId(const ResourceType& type, const Json& planned) const {
  if (type.id_attribute.empty()) return rows_.NextId(type.id_prefix);
  std::string id = TextOr(planned, type.id_attribute);
  const auto existing = rows_.Read(type.name, id);
  if (!existing.ok()) return existing.status();
  if (existing->has_value())
    return absl::AlreadyExistsError(absl::StrCat(type.name, " ", id, " already exists"));
  return id;
}

Json Cloud::Chosen(const ResourceType& type, const std::string& attribute, const Json& object) const {
  const std::string id = TextOr(object, "id");
  if (attribute == "arn") return ArnOf(type, settings_.region, id);
  if (attribute == "endpoint") return databases_.real() ? databases_.Address() : id + ".rds.example.com:5432";
  if (attribute == "engine_version") return "15.4";
  if (attribute == "status") return "available";
  if (attribute == "bucket_domain_name") return id + ".s3.example.com";
  if (attribute == "dns_name") return id + ".elb.example.com";
  if (attribute == "private_ip") return "10.0.0.10";
  if (attribute == "public_ip")
    return "198.51.100." + std::to_string(1 + TextOr(object, "instance_type").size());
  if (attribute == "secret") return absl::StrCat("secret-of-", id);
  return absl::StrCat(attribute, "-", id);
}

void Cloud::Choose(const ResourceType& type, const Block& block, Json* value) const {
  for (const AttributeSchema& attribute : block.attributes) {
    Json& chosen = (*value)[attribute.name];
    if (IsUnknown(chosen)) chosen = Chosen(type, attribute.name, *value);
  }
  for (const NestedBlock& nested : block.blocks) {
    if (nested.nesting != Nesting::kList) continue;
    for (Json& element : (*value)[nested.name]) Choose(type, nested.block, &element);
  }
}

absl::StatusOr<Json> Cloud::Create(const ResourceType& type, Json planned) const {
  absl::StatusOr<std::string> id = NewId(type, planned);
  if (!id.ok()) return id.status();
  planned["id"] = *id;
  Choose(type, type.block, &planned);
  if (absl::Status status = CreateBehind(type, planned); !status.ok()) return status;
  if (absl::Status status = rows_.Write(type.name, *id, planned); !status.ok()) return status;
  return planned;
}

absl::StatusOr<Json> Cloud::Update(const ResourceType& type, Json planned) const {
  Choose(type, type.block, &planned);
  if (IsDatabase(type)) {
    if (absl::Status status = BackUp(planned); !status.ok()) return status;
  }
  if (absl::Status status = rows_.Write(type.name, TextOr(planned, "id"), planned); !status.ok())
    return status;
  return planned;
}

absl::Status Cloud::CreateBehind(const ResourceType& type, const Json& row) const {
  const std::string id = TextOr(row, "id");
  if (IsSnapshot(type)) return TakeSnapshot(TextOr(row, "db_instance_identifier"), id);
  if (!IsDatabase(type)) return absl::OkStatus();
  if (absl::Status status = databases_.Create(id); !status.ok()) return status;
  return BackUp(row);
}

// As soon as backups are kept there is one.
absl::Status Cloud::BackUp(const Json& row) const {
  const Json& retention = Attribute(row, "backup_retention_period");
  const std::string id = TextOr(row, "id");
  if (!retention.is_number() || retention <= 0 || !IsEmptyOrMissing(AutomatedBackups(id))) {
    return absl::OkStatus();
  }
  if (absl::Status status = MakeDirectory(AutomatedBackups(id)); !status.ok()) return status;
  return databases_.Dump(id, AutomatedBackups(id) / "first.sql");
}

absl::Status Cloud::TakeSnapshot(const std::string& database, const std::string& snapshot) const {
  const std::filesystem::path path = Snapshot(snapshot);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    return absl::AlreadyExistsError(absl::StrCat("snapshot ", snapshot, " already exists"));
  }
  if (absl::Status status = MakeDirectory(path.parent_path()); !status.ok()) return status;
  return databases_.Dump(database, path);
}

absl::Status Cloud::MayDelete(const ResourceType& type, const Json& prior) const {
  const std::string id = TextOr(prior, "id");
  const auto row = rows_.Read(type.name, id);
  if (!row.ok()) return row.status();
  for (const char* protection :
       {"deletion_protection", "enable_deletion_protection", "disable_api_termination"}) {
    if (row->has_value() && BoolOr(**row, protection, false)) {
      return absl::FailedPreconditionError(absl::StrCat("cannot delete ", id, ": ", protection, " is on"));
    }
  }
  const std::filesystem::path objects = std::filesystem::path(settings_.directory) / "objects" / FileName(id);
  if (type.name == "aws_s3_bucket" && !BoolOr(prior, "force_destroy", false) && !IsEmptyOrMissing(objects)) {
    return absl::FailedPreconditionError(absl::StrCat("cannot delete bucket ", id, ": it is not empty"));
  }
  return absl::OkStatus();
}

absl::Status Cloud::Delete(const ResourceType& type, const Json& prior) const {
  if (absl::Status status = MayDelete(type, prior); !status.ok()) return status;
  if (absl::Status status = DeleteBehind(type, prior); !status.ok()) return status;
  return rows_.Remove(type.name, TextOr(prior, "id"));
}

absl::Status Cloud::DeleteBehind(const ResourceType& type, const Json& prior) const {
  const std::string id = TextOr(prior, "id");
  std::error_code ignored;
  if (type.name == "aws_s3_bucket") {
    std::filesystem::remove_all(std::filesystem::path(settings_.directory) / "objects" / FileName(id),
                                ignored);
  }
  if (IsSnapshot(type)) std::filesystem::remove(Snapshot(id), ignored);
  return IsDatabase(type) ? DeleteDatabase(prior) : absl::OkStatus();
}

absl::Status Cloud::DeleteDatabase(const Json& prior) const {
  // The identifier, not the address in the configuration, is what decides which database goes.
  const std::string id = TextOr(prior, "identifier", TextOr(prior, "id"));
  if (!BoolOr(prior, "skip_final_snapshot", false)) {
    const std::string snapshot = TextOr(prior, "final_snapshot_identifier");
    if (snapshot.empty()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "cannot delete ", id, ": final_snapshot_identifier is required when skip_final_snapshot is false"));
    }
    if (absl::Status status = TakeSnapshot(id, snapshot); !status.ok()) return status;
  }
  if (absl::Status status = databases_.Drop(id); !status.ok()) return status;
  std::error_code failed;
  if (BoolOr(prior, "delete_automated_backups", true)) {
    std::filesystem::remove_all(AutomatedBackups(id), failed);
  }
  if (!failed) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot remove backups of ", id, ": ", failed.message()));
}

absl::StatusOr<Json> Cloud::Read(const ResourceType& type, const Json& state) const {
  const std::string id = TextOr(state, "id");
  const auto row = rows_.Read(type.name, id);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return Json();
  if (IsDatabase(type)) {
    const absl::StatusOr<bool> exists = databases_.Exists(id);
    if (!exists.ok()) return exists.status();
    if (!*exists) return Json();
  }
  return Complete(type.block, **row);
}

absl::StatusOr<Json> Cloud::ReadData(const ResourceType& source, const Json& config) const {
  Json value = Complete(source.block, config);
  if (source.name == "aws_s3_bucket") {
    const std::string id = TextOr(config, "bucket");
    const auto row = rows_.Read("aws_s3_bucket", id);
    if (!row.ok()) return row.status();
    if (!row->has_value()) return absl::NotFoundError(absl::StrCat("there is no bucket ", id));
    return Complete(source.block, **row);
  }
  value["id"] = source.name == "aws_region" ? settings_.region : kAccount;
  if (value.contains("name")) value["name"] = settings_.region;
  if (value.contains("account_id")) value["account_id"] = kAccount;
  if (value.contains("arn")) value["arn"] = absl::StrCat("arn:aws:iam::", kAccount, ":user/tester");
  if (value.contains("user_id")) value["user_id"] = "AIDATESTER";
  return value;
}

}  // namespace countersign::provider
