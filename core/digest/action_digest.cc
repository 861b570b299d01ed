#include "core/digest/action_digest.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/digest/canonical_json.h"
#include "core/digest/digest.h"
#include "core/digest/known_fields.h"
#include "core/error/error.h"

namespace countersign::digest {
namespace {

// Keeps digests of actions apart from digests of everything else, and from later versions of this one.
constexpr char kDomain[] = "countersign.v1.action\n";

absl::Status Check(const v1::Action& action) {
  // What the digest does not cover must not travel with what it covers.
  if (absl::Status status = CheckKnownFields(action, "action"); !status.ok()) return status;
  if (KindName(action.kind()).empty())
    return error::InvalidField("action.kind", "must be COMMAND or TERRAFORM_PLAN");
  for (int i = 0; i < action.artifacts_size(); ++i) {
    if (IsSha256(action.artifacts(i).digest())) continue;
    return error::InvalidField(absl::StrCat("action.artifacts[", i, "].digest"),
                               "must be sha256: and 64 lower-case hex digits");
  }
  return absl::OkStatus();
}

bool IsWritable(std::string_view text) { return CanonicalJson::String(text).Write().ok(); }

// Names the first part that cannot be written.
absl::Status Unwritable(const v1::Action& action) {
  const auto refused = [](std::string_view field) {
    return error::InvalidField(field, "must be valid UTF-8");
  };
  if (!IsWritable(action.target())) return refused("action.target");
  for (const std::string& argument : action.argv()) {
    if (!IsWritable(argument)) return refused("action.argv");
  }
  for (const auto& [name, value] : action.environment()) {
    if (!IsWritable(name) || !IsWritable(value)) return refused("action.environment");
  }
  for (const v1::ArtifactReference& artifact : action.artifacts()) {
    if (!IsWritable(artifact.file_name())) return refused("action.artifacts");
  }
  return refused("action");
}

}  // namespace

std::string_view KindName(v1::Kind kind) {
  switch (kind) {
    case v1::COMMAND:
      return "command";
    case v1::TERRAFORM_PLAN:
      return "terraform_plan";
    case v1::KIND_UNSPECIFIED:
    case v1::Kind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::Kind_INT_MAX_SENTINEL_DO_NOT_USE_:
      return "";
  }
  return "";
}

absl::StatusOr<std::string> ActionDigestInput(const v1::Action& action) {
  if (absl::Status status = Check(action); !status.ok()) return status;
  CanonicalJson environment = CanonicalJson::Object();
  for (const auto& [name, value] : action.environment()) environment.Set(name, CanonicalJson::String(value));
  CanonicalJson artifacts = CanonicalJson::Array();
  for (const v1::ArtifactReference& artifact : action.artifacts()) {
    artifacts.Append(CanonicalJson::Object({{"digest", CanonicalJson::String(artifact.digest())},
                                            {"file_name", CanonicalJson::String(artifact.file_name())}}));
  }
  CanonicalJson object = CanonicalJson::Object();
  object.Set("argv", CanonicalJson::Strings(action.argv()));
  object.Set("artifacts", std::move(artifacts));
  object.Set("environment", std::move(environment));
  object.Set("kind", CanonicalJson::String(KindName(action.kind())));
  object.Set("target", CanonicalJson::String(action.target()));
  const auto json = object.Write();
  if (!json.ok()) return Unwritable(action);
  return absl::StrCat(kDomain, *json);
}

absl::StatusOr<std::string> ActionDigest(const v1::Action& action) {
  const auto input = ActionDigestInput(action);
  if (!input.ok()) return input.status();
  return Sha256(*input);
}

}  // namespace countersign::digest
