#include "core/digest/action_digest.h"

#include "absl/strings/str_cat.h"
#include "core/digest/canonical_json.h"
#include "core/digest/digest.h"
#include "core/error/error.h"

namespace countersign::digest {
namespace {

// Keeps digests of actions apart from digests of everything else, and from later versions of this one.
constexpr char kDomain[] = "countersign.v1.action\n";

// The status of a part that could not be written, naming the part.
absl::Status Named(std::string_view field, const CanonicalJson& part) {
  const auto written = part.Write();
  return written.ok() ? absl::OkStatus() : error::InvalidField(field, "must be valid UTF-8");
}

absl::Status Check(const v1::Action& action, const CanonicalJson& argv, const CanonicalJson& environment,
                   const CanonicalJson& artifacts) {
  if (KindName(action.kind()).empty())
    return error::InvalidField("action.kind", "must be COMMAND or TERRAFORM_PLAN");
  for (int i = 0; i < action.artifacts_size(); ++i) {
    if (IsSha256(action.artifacts(i).digest())) continue;
    return error::InvalidField(absl::StrCat("action.artifacts[", i, "].digest"),
                               "must be sha256: and 64 lower-case hex digits");
  }
  absl::Status status = Named("action.target", CanonicalJson::String(action.target()));
  status.Update(Named("action.argv", argv));
  status.Update(Named("action.environment", environment));
  status.Update(Named("action.artifacts", artifacts));
  return status;
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
  const CanonicalJson argv = CanonicalJson::Strings(action.argv());
  CanonicalJson environment = CanonicalJson::Object();
  for (const auto& [name, value] : action.environment()) environment.Set(name, CanonicalJson::String(value));
  CanonicalJson artifacts = CanonicalJson::Array();
  for (const v1::ArtifactReference& artifact : action.artifacts()) {
    artifacts.Append(CanonicalJson::Object({{"digest", CanonicalJson::String(artifact.digest())},
                                            {"file_name", CanonicalJson::String(artifact.file_name())}}));
  }
  if (absl::Status status = Check(action, argv, environment, artifacts); !status.ok()) return status;
  const auto json = CanonicalJson::Object({{"argv", argv},
                                           {"artifacts", artifacts},
                                           {"environment", environment},
                                           {"kind", CanonicalJson::String(KindName(action.kind()))},
                                           {"target", CanonicalJson::String(action.target())}})
                        .Write();
  if (!json.ok()) return json.status();
  return absl::StrCat(kDomain, *json);
}

absl::StatusOr<std::string> ActionDigest(const v1::Action& action) {
  const auto input = ActionDigestInput(action);
  if (!input.ok()) return input.status();
  return Sha256(*input);
}

}  // namespace countersign::digest
