#include "client/cli/exec/terraform_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "client/cli/exec/trusted_path.h"
#include "core/digest/digest.h"
#include "core/terraform/lock_file.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

using nlohmann::json;

constexpr char kLockFile[] = ".terraform.lock.hcl";
// What `terraform init` remembers of the backend; there is none for the default one.
constexpr char kBackendFile[] = ".terraform/terraform.tfstate";
constexpr size_t kMostBackendBytes = 1 << 20;

absl::StatusOr<std::string> ReadBounded(int file, const std::string& path, size_t limit) {
  std::string bytes;
  std::array<char, 16 << 10> buffer;
  ssize_t size = 0;
  while ((size = read(file, buffer.data(), buffer.size())) > 0 || (size < 0 && errno == EINTR)) {
    if (size > 0) bytes.append(buffer.data(), static_cast<size_t>(size));
    if (bytes.size() > limit)
      return absl::InvalidArgumentError(text::Concat(path, " is larger than ", limit, " bytes"));
  }
  if (size < 0) return absl::InternalError(text::Concat("cannot read ", path, ": ", std::strerror(errno)));
  return bytes;
}

bool IsSame(const terraform::ProviderLock& ours, const v1::ProviderLock& planned) {
  return ours.source == planned.source() && ours.version == planned.version() &&
         std::vector<std::string>(planned.hashes().begin(), planned.hashes().end()) == ours.hashes;
}

bool IsSame(const std::vector<terraform::ProviderLock>& ours, const v1::PlanConfiguration& plan) {
  return std::equal(ours.begin(), ours.end(), plan.providers().begin(), plan.providers().end(),
                    [](const auto& one, const auto& other) { return IsSame(one, other); });
}

// Members that are null say as little as members that are not there.
json WithoutNulls(const json& value) {
  if (!value.is_structured()) return value;
  json result = value.is_object() ? json::object() : json::array();
  for (const auto& [name, member] : value.items()) {
    if (value.is_array()) {
      result.push_back(WithoutNulls(member));
    } else if (!member.is_null()) {
      result[name] = WithoutNulls(member);
    }
  }
  return result;
}

absl::Status OtherBackend(const std::string& directory, std::string_view what) {
  return absl::FailedPreconditionError(text::Concat(
      directory, " keeps its state elsewhere than the plan: ", what,
      "; run `terraform init` there with the configuration that was planned, or name another one with "
      "--chdir"));
}

// Where they differ, if anywhere. `chosen` is the member `backend` of the file.
std::optional<std::string> DifferenceOf(const json& chosen, const v1::Backend& plan) {
  const std::string type = chosen.value("type", "");
  if (type != plan.type()) return text::Concat("it was initialised for ", type, ", not ", plan.type());
  const auto config = chosen.find("config");
  for (const auto& [name, text] : plan.settings()) {
    const json planned = json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool there = config != chosen.end() && config->is_object() && config->contains(name);
    if (there && WithoutNulls((*config)[name]) == WithoutNulls(planned)) continue;
    return text::Concat("its setting ", name, " of ", type, " is another one");
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<TerraformDirectory> TerraformDirectory::Open(const std::string& path) {
  std::error_code problem;
  const std::string real = std::filesystem::canonical(path, problem).string();
  if (problem) return absl::NotFoundError(text::Concat("cannot work in ", path, ": ", problem.message()));
  auto descriptor = OpenTrusted(real, O_RDONLY | O_DIRECTORY);
  if (descriptor.ok()) return TerraformDirectory(real, *std::move(descriptor));
  return absl::Status(descriptor.status().code(), text::Concat("will not run Terraform in ", real, ": ",
                                                               text::MessageOf(descriptor.status()),
                                                               "; the providers in it are programs"));
}

absl::StatusOr<std::optional<std::string>> TerraformDirectory::Read(const std::string& name,
                                                                    size_t limit) const {
  const std::string path = text::Concat(path_, "/", name);
  const auto file = OpenTrusted(path, O_RDONLY | O_NONBLOCK);
  if (absl::IsNotFound(file.status())) return std::optional<std::string>();
  if (!file.ok()) return file.status();
  auto bytes = ReadBounded(file->get(), path, limit);
  if (!bytes.ok()) return bytes.status();
  return std::optional<std::string>(*std::move(bytes));
}

absl::Status TerraformDirectory::CheckLockFile(const v1::PlanConfiguration& plan) const {
  const terraform::Limits limits;
  const auto bytes = Read(kLockFile, limits.lock_file_bytes);
  if (!bytes.ok()) return bytes.status();
  if (bytes->has_value() && digest::Sha256(**bytes) == plan.lock_file_digest()) return absl::OkStatus();
  const auto ours = terraform::ReadLockFile(bytes->value_or(""), limits);
  if (ours.ok() && IsSame(ours->providers, plan)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      text::Concat(path_, "/", kLockFile,
                   bytes->has_value() ? " does not choose the providers of the plan" : " is missing",
                   "; put the lock file that was planned with there and run `terraform init`, or plan again "
                   "with this one"));
}

absl::Status TerraformDirectory::CheckBackend(const v1::Backend& plan) const {
  const auto bytes = Read(kBackendFile, kMostBackendBytes);
  if (!bytes.ok()) return bytes.status();
  json chosen = {{"type", "local"}, {"config", json::object()}};
  if (bytes->has_value()) {
    const json file = json::parse(**bytes, nullptr, /*allow_exceptions=*/false);
    if (!file.is_object()) return OtherBackend(path_, text::Concat(kBackendFile, " is unreadable"));
    if (file.contains("backend") && file["backend"].is_object()) chosen = file["backend"];
  }
  const auto difference = DifferenceOf(chosen, plan);
  return difference.has_value() ? OtherBackend(path_, *difference) : absl::OkStatus();
}

}  // namespace countersign::cli
