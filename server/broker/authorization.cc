#include "server/broker/authorization.h"

#include <string>

#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::broker {
namespace {

struct Row {
  Method method;
  std::string_view name;
  bool agent;
  bool human;
  bool workload;
  bool auditor;
  bool admin_only;  // Of the humans, only members of the group "admin".
};

constexpr bool kYes = true;
constexpr bool kNo = false;

// clang-format off
constexpr Row kTable[] = {
    //                                                        agent human workload auditor admin
    {Method::kUploadArtifact, "UploadArtifact",               kYes, kYes, kNo,     kNo,    kNo},
    {Method::kDownloadArtifact, "DownloadArtifact",           kYes, kYes, kYes,    kYes,   kNo},
    {Method::kCreateProposal, "CreateProposal",               kYes, kYes, kNo,     kNo,    kNo},
    {Method::kGetProposal, "GetProposal",                     kYes, kYes, kYes,    kYes,   kNo},
    {Method::kGetPlanView, "GetPlanView",                     kYes, kYes, kYes,    kYes,   kNo},
    {Method::kListProposals, "ListProposals",                 kYes, kYes, kYes,    kYes,   kNo},
    {Method::kWaitProposal, "WaitProposal",                   kYes, kYes, kYes,    kYes,   kNo},
    {Method::kWatchProposals, "WatchProposals",               kYes, kYes, kYes,    kYes,   kNo},
    {Method::kCancelProposal, "CancelProposal",               kYes, kYes, kNo,     kNo,    kNo},
    {Method::kApproveProposal, "ApproveProposal",             kNo,  kYes, kNo,     kNo,    kNo},
    {Method::kDenyProposal, "DenyProposal",                   kNo,  kYes, kNo,     kNo,    kNo},
    {Method::kRevokeProposal, "RevokeProposal",               kNo,  kYes, kNo,     kNo,    kNo},
    {Method::kResolveProposal, "ResolveProposal",             kNo,  kYes, kNo,     kNo,    kNo},
    {Method::kClaimProposal, "ClaimProposal",                 kNo,  kYes, kYes,    kNo,    kNo},
    {Method::kRedeemToken, "RedeemToken",                     kNo,  kYes, kYes,    kNo,    kNo},
    {Method::kHeartbeat, "Heartbeat",                         kNo,  kYes, kYes,    kNo,    kNo},
    {Method::kReportExecution, "ReportExecution",             kNo,  kYes, kYes,    kNo,    kNo},
    {Method::kGetTargetMemory, "GetTargetMemory",             kNo,  kYes, kNo,     kYes,   kNo},
    {Method::kAdoptState, "AdoptState",                       kNo,  kYes, kNo,     kNo,    kYes},
    {Method::kApplyDocuments, "ApplyDocuments",               kNo,  kYes, kNo,     kNo,    kYes},
    {Method::kGetDocument, "GetDocument",                     kNo,  kYes, kNo,     kYes,   kNo},
    {Method::kListDocuments, "ListDocuments",                 kNo,  kYes, kNo,     kYes,   kNo},
    {Method::kListDocumentVersions, "ListDocumentVersions",   kNo,  kYes, kNo,     kYes,   kNo},
    {Method::kGetCaller, "GetCaller",                         kYes, kYes, kYes,    kYes,   kNo},
    {Method::kListAuditEvents, "ListAuditEvents",             kNo,  kYes, kNo,     kYes,   kNo},
};

// clang-format on

const Row& RowOf(Method method) { return kTable[static_cast<size_t>(method)]; }

constexpr bool InOrder() {
  size_t i = 0;
  for (const Row& row : kTable) {
    if (static_cast<size_t>(row.method) != i++) return false;
  }
  return i == static_cast<size_t>(Method::kListAuditEvents) + 1;
}
static_assert(InOrder(), "the table has one row per method, in the order of the enum");

bool Allows(const Row& row, policy::PrincipalKind kind) {
  switch (kind) {
    case policy::PrincipalKind::kAgent:
      return row.agent;
    case policy::PrincipalKind::kHuman:
      return row.human;
    case policy::PrincipalKind::kWorkload:
      return row.workload;
    case policy::PrincipalKind::kAuditor:
      return row.auditor;
  }
  return false;
}

}  // namespace

std::string_view MethodName(Method method) { return RowOf(method).name; }

absl::Status Authorize(const policy::Configuration& configuration, Method method, const Caller& caller) {
  const v1::Principal* principal = configuration.FindPrincipal(caller.principal);
  if (principal == nullptr) {
    return error::Make(v1::PRINCIPAL_UNKNOWN,
                       text::Concat(caller.principal, " is not in the directory; an admin has to add it"));
  }
  if (principal->revoked()) return error::Make(v1::PRINCIPAL_REVOKED, "this principal was revoked");
  const Row& row = RowOf(method);
  if (!Allows(row, caller.kind)) {
    return error::Make(v1::NOT_PERMITTED, text::Concat("principals of kind ", policy::KindName(caller.kind),
                                                       " may not call ", row.name));
  }
  if (row.admin_only && !configuration.IsMember(caller.principal, policy::kAdminGroup)) {
    return error::Make(v1::NOT_PERMITTED,
                       text::Concat("only members of the group admin may call ", row.name));
  }
  return absl::OkStatus();
}

}  // namespace countersign::broker
