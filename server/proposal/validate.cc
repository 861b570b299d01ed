#include "server/proposal/validate.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/finding/command_line.h"
#include "core/policy/configuration.h"
#include "core/policy/environment_names.h"
#include "core/text/text.h"
#include "google/protobuf/stubs/common.h"
#include "server/proposal/characters.h"

namespace countersign::proposal {
namespace {

constexpr int kMaxArguments = 1024;
constexpr size_t kMaxArgumentBytes = 128 << 10;
constexpr int kMaxVariables = 128;
constexpr size_t kMaxEnvironmentBytes = 64 << 10;
constexpr int kMaxArtifacts = 64;
constexpr size_t kMaxFileNameBytes = 128;
constexpr size_t kMaxTextBytes = 4 << 10;
constexpr size_t kMaxRequestIdBytes = 64;

bool IsWordCharacter(unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

bool IsVariableName(std::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxFileNameBytes && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return IsWordCharacter(c); });
}

absl::Status ValidateArguments(const v1::Action& action) {
  if (action.argv().empty() || action.argv(0).empty()) {
    return error::InvalidField("action.argv", "must name a program");
  }
  if (action.argv_size() > kMaxArguments) return error::InvalidField("action.argv", "at most 1024 arguments");
  size_t bytes = 0;
  for (int i = 0; i < action.argv_size(); ++i) {
    bytes += action.argv(i).size();
    const absl::Status status = CheckCharacters(action.argv(i), text::Concat("action.argv[", i, "]"));
    if (!status.ok()) return status;
  }
  if (bytes > kMaxArgumentBytes) return error::InvalidField("action.argv", "at most 128 KiB together");
  // `env NAME=value` is no way around ValidateEnvironment().
  for (const auto& [address, name] : finding::JudgeArguments(action).assigned) {
    if (policy::ChangesWhatRuns(name)) {
      return error::InvalidField(
          text::Concat("action.", address),
          text::Concat("sets ", name,
                       ", which changes which code runs; say it in the command or in an "
                       "artifact instead, or leave it to the runner"));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateEnvironment(const v1::Action& action) {
  if (action.environment().size() > kMaxVariables) {
    return error::InvalidField("action.environment", "at most 128 variables");
  }
  size_t bytes = 0;
  for (const auto& [name, value] : action.environment()) {
    bytes += name.size() + value.size();
    if (!IsVariableName(name)) {
      return error::InvalidField("action.environment", "names must be [A-Za-z_][A-Za-z0-9_]*");
    }
    const std::string field = text::Concat("action.environment[", name, "]");
    if (const absl::Status status = CheckCharacters(value, field); !status.ok()) return status;
    if (policy::ChangesWhatRuns(name)) {
      return error::InvalidField(field,
                                 "changes which code runs; say it in the command or in an artifact instead, "
                                 "where people read it, or leave it to the runner");
    }
  }
  if (bytes > kMaxEnvironmentBytes)
    return error::InvalidField("action.environment", "at most 64 KiB together");
  return absl::OkStatus();
}

absl::Status ValidateArtifacts(const v1::Action& action) {
  if (action.artifacts_size() > kMaxArtifacts) return error::InvalidField("action.artifacts", "at most 64");
  std::set<std::string_view> names;
  for (int i = 0; i < action.artifacts_size(); ++i) {
    const v1::ArtifactReference& artifact = action.artifacts(i);
    const std::string path = text::Concat("action.artifacts[", i, "]");
    if (!digest::IsSha256(artifact.digest())) {
      return error::InvalidField(text::Concat(path, ".digest"),
                                 "must be sha256: and 64 lower-case hex digits");
    }
    // A plan is handed to Terraform by the runner, under a name of the runner's.
    const bool needs_name = action.kind() != v1::TERRAFORM_PLAN || !artifact.file_name().empty();
    if (needs_name && !IsFileName(artifact.file_name())) {
      return error::InvalidField(text::Concat(path, ".file_name"),
                                 "must be 1 to 128 of [A-Za-z0-9._-], not starting with a dot or a dash");
    }
    if (!names.insert(artifact.file_name()).second) {
      return error::InvalidField(text::Concat(path, ".file_name"), "is there twice");
    }
  }
  return absl::OkStatus();
}

absl::Status ValidatePlan(const v1::Action& action) {
  if (!action.argv().empty()) return error::InvalidField("action.argv", "must be empty for a plan");
  if (!action.environment().empty())
    return error::InvalidField("action.environment", "must be empty for a plan");
  if (action.artifacts_size() != 1)
    return error::InvalidField("action.artifacts", "must be exactly the saved plan");
  return ValidateArtifacts(action);
}

}  // namespace

absl::Status ValidateAction(const v1::Action& action) {
  if (!policy::IsTargetName(action.target())) {
    return error::InvalidField("action.target", "must be targets/{target}");
  }
  switch (action.kind()) {
    case v1::TERRAFORM_PLAN:
      return ValidatePlan(action);
    case v1::COMMAND: {
      absl::Status status = ValidateArguments(action);
      status.Update(ValidateEnvironment(action));
      status.Update(ValidateArtifacts(action));
      return status;
    }
    default:
      return error::InvalidField("action.kind", "must be COMMAND or TERRAFORM_PLAN");
  }
}

absl::Status ValidateText(std::string_view text, std::string_view field, bool required) {
  if (required && text::Strip(text).empty()) return error::InvalidField(field, "must not be empty");
  if (text.size() > kMaxTextBytes) return error::InvalidField(field, "at most 4 KiB");
  return CheckCharacters(text, field);
}

absl::Status ValidateRequestId(std::string_view request_id) {
  if (request_id.size() > kMaxRequestIdBytes ||
      !std::all_of(request_id.begin(), request_id.end(),
                   [](unsigned char c) { return IsWordCharacter(c); })) {
    return error::InvalidField("request_id", "must be 1 to 64 of [A-Za-z0-9._-]");
  }
  return absl::OkStatus();
}

}  // namespace countersign::proposal
