#include "core/policy/principal.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::policy {
namespace {

constexpr PrincipalKind kKinds[] = {PrincipalKind::kAgent, PrincipalKind::kHuman, PrincipalKind::kWorkload,
                                    PrincipalKind::kAuditor};

bool IsTrustDomain(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '-';
  });
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

absl::Status Refused() {
  return error::InvalidField("principal",
                             "must be spiffe://{trust domain}/{agent|human|workload|auditor}/{name}");
}

}  // namespace

std::string_view KindName(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kAgent:
      return "agent";
    case PrincipalKind::kHuman:
      return "human";
    case PrincipalKind::kWorkload:
      return "workload";
    case PrincipalKind::kAuditor:
      return "auditor";
  }
  return "unknown";
}

absl::StatusOr<PrincipalId> ParsePrincipalId(std::string_view uri) {
  if (uri.size() > 512 || !text::ConsumePrefix(&uri, "spiffe://")) return Refused();
  const std::vector<std::string_view> parts = text::Split(uri, '/');
  if (parts.size() != 3 || !IsTrustDomain(parts[0]) || !IsName(parts[2])) return Refused();
  for (const PrincipalKind kind : kKinds) {
    if (parts[1] == KindName(kind)) return PrincipalId{std::string(parts[0]), kind, std::string(parts[2])};
  }
  return Refused();
}

}  // namespace countersign::policy
