// Documents, callers and the audit trail.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/policy/review.h"
#include "core/text/text.h"
#include "server/audit/event.h"
#include "server/base/timestamps.h"
#include "server/broker/broker.h"
#include "server/broker/documents.h"
#include "server/broker/page_token.h"
#include "server/broker/recorded_answer.h"
#include "server/proposal/resource_name.h"
#include "server/proposal/validate.h"

namespace countersign::broker {
namespace {

constexpr int kMaxVersions = 1000;
constexpr int kDefaultEvents = 100;
constexpr int kMaxEvents = 1000;
// Who applies what the broker is started with; no principal of the directory is called so.
constexpr char kBootstrap[] = "bootstrap";

// What applying a text would do to what is there.
struct ApplyPlan {
  std::vector<storage::NewDocument> documents;
  v1::ApplyDocumentsResponse response;
};

absl::StatusOr<ApplyPlan> PlanApply(const std::string& content, int64_t version,
                                    std::vector<v1::Document> current, const Caller& caller, absl::Time now) {
  auto named = SplitDocuments(content);
  if (!named.ok()) return named.status();
  std::map<std::string, v1::Document> merged;
  for (v1::Document& document : current) merged[document.name()] = std::move(document);
  ApplyPlan plan;
  for (NamedDocument& document : *named) {
    const std::string digest = digest::Sha256(document.content);
    v1::Document& entry = merged[document.name];
    if (entry.digest() == digest) {
      plan.response.add_unchanged(document.name);
      continue;
    }
    entry.set_name(document.name);
    entry.set_version(version + 1);
    entry.set_digest(digest);
    entry.set_applied_by(caller.principal);
    *entry.mutable_apply_time() = base::ToTimestamp(now);
    *plan.response.add_changed() = entry;
    plan.response.mutable_changed(plan.response.changed_size() - 1)->clear_content();
    entry.set_content(document.content);
    plan.documents.push_back({document.name, std::move(document.content), digest});
  }
  std::vector<v1::Document> after;
  for (auto& [name, document] : merged) after.push_back(std::move(document));
  const auto built = BuildConfiguration(version + 1, after);
  if (!built.ok()) return built.status();
  if (const absl::Status status = policy::Review(*built); !status.ok()) return status;
  // Whoever applies can undo it: so nobody locks everybody out by mistake.
  if (caller.principal != kBootstrap && !Authorize(*built, Method::kApplyDocuments, caller).ok()) {
    return error::InvalidField("Directory",
                               "you would no longer be an active admin; let another admin do that");
  }
  return plan;
}

std::string Names(const ApplyPlan& plan) {
  return absl::StrJoin(plan.documents, " ", [](std::string* out, const storage::NewDocument& document) {
    absl::StrAppend(out, document.name, "@", document.digest);
  });
}

bool IsDocumentName(std::string_view name) {
  return name == "directory" || name == "policy" || policy::IsTargetName(name);
}

absl::Status BadDocumentName() {
  return error::InvalidField("name", "must be directory, policy or targets/{target}");
}

}  // namespace

absl::StatusOr<v1::ApplyDocumentsResponse> Broker::ApplyDocuments(const Caller& caller,
                                                                  const v1::ApplyDocumentsRequest& request,
                                                                  absl::Time deadline) {
  if (const absl::Status status = proposal::ValidateRequestId(request.request_id()); !status.ok())
    return status;
  const Call call = MakeCall(caller, Method::kApplyDocuments, request.request_id(), request, deadline);
  if (call.repeatable) {
    auto first = ReadAnswer<v1::ApplyDocumentsResponse>(Replay(call));
    if (error::ReasonOf(first.status()) != v1::NOT_FOUND) return first;
  }
  auto loaded = store_->LoadDocuments(deadline);
  if (!loaded.ok()) return loaded.status();
  const absl::Time now = clock_->Now();
  const auto plan = PlanApply(request.content(), loaded->first, std::move(loaded->second), caller, now);
  if (!plan.ok()) return plan.status();
  if (request.validate_only() || plan->documents.empty()) return plan->response;
  // The right to apply is checked again on the very version that is replaced.
  if (const absl::Status status = RefreshConfiguration(deadline); !status.ok()) return status;
  if (caller.principal != kBootstrap) {
    if (const absl::Status status = Authorize(Method::kApplyDocuments, caller); !status.ok()) return status;
  }
  const storage::RequestRecord record{caller.principal, call.request_id, call.body_digest,
                                      plan->response.SerializeAsString()};
  const auto event = audit::Event("configuration.applied", caller.principal, "", call.request_id, now,
                                  {{"documents", Names(*plan)}});
  const auto version =
      store_->ApplyDocuments(loaded->first, plan->documents, caller.principal, now, event, record, deadline);
  if (!version.ok()) return version.status();
  if (const absl::Status status = RefreshConfiguration(deadline); !status.ok()) return status;
  return plan->response;
}

absl::Status Broker::Bootstrap(std::string_view content, absl::Time deadline) {
  const auto version = store_->ConfigurationVersion(deadline);
  if (!version.ok()) return version.status();
  if (*version != 0) return absl::OkStatus();
  v1::ApplyDocumentsRequest request;
  request.set_content(std::string(content));
  const Caller bootstrap{kBootstrap, policy::PrincipalKind::kAuditor, ""};
  const auto applied = ApplyDocuments(bootstrap, request, deadline);
  // Another replica may have been faster.
  if (error::ReasonOf(applied.status()) == v1::CONCURRENT_UPDATE) return RefreshConfiguration(deadline);
  return applied.status();
}

absl::StatusOr<v1::Document> Broker::GetDocument(const Caller&, const v1::GetDocumentRequest& request,
                                                 absl::Time deadline) {
  if (!IsDocumentName(request.name())) return BadDocumentName();
  if (request.version() < 0) return error::InvalidField("version", "must not be negative");
  return store_->GetDocument(request.name(), request.version(), deadline);
}

absl::StatusOr<v1::ListDocumentsResponse> Broker::ListDocuments(const Caller&,
                                                                const v1::ListDocumentsRequest&,
                                                                absl::Time deadline) {
  auto loaded = store_->LoadDocuments(deadline);
  if (!loaded.ok()) return loaded.status();
  v1::ListDocumentsResponse response;
  for (v1::Document& document : loaded->second) {
    document.clear_content();
    *response.add_documents() = std::move(document);
  }
  return response;
}

absl::StatusOr<v1::ListDocumentVersionsResponse> Broker::ListDocumentVersions(
    const Caller&, const v1::ListDocumentVersionsRequest& request, absl::Time deadline) {
  if (!IsDocumentName(request.name())) return BadDocumentName();
  auto documents = store_->ListDocumentVersions(request.name(), kMaxVersions, deadline);
  if (!documents.ok()) return documents.status();
  v1::ListDocumentVersionsResponse response;
  for (v1::Document& document : *documents) *response.add_documents() = std::move(document);
  return response;
}

absl::StatusOr<v1::Caller> Broker::GetCaller(const Caller& caller) const {
  const auto current = configuration();
  const v1::Principal* principal = current->FindPrincipal(caller.principal);
  if (principal == nullptr) return error::Make(v1::PRINCIPAL_UNKNOWN, "you are not in the directory");
  v1::Caller answer;
  answer.set_principal(caller.principal);
  answer.set_kind(std::string(policy::KindName(caller.kind)));
  if (caller.kind == policy::PrincipalKind::kHuman)
    answer.set_person(policy::Configuration::PersonOf(*principal));
  answer.set_owner(principal->owner());
  for (const std::string& group : current->GroupsOf(caller.principal)) answer.add_groups(group);
  return answer;
}

absl::StatusOr<v1::ListAuditEventsResponse> Broker::ListAuditEvents(const Caller& caller,
                                                                    const v1::ListAuditEventsRequest& request,
                                                                    absl::Time deadline) {
  if (request.page_size() < 0) return error::InvalidField("page_size", "must not be negative");
  std::string proposal;
  if (!request.proposal().empty()) {
    const auto id = proposal::ParseProposalName(request.proposal(), "proposal");
    if (!id.ok()) return id.status();
    proposal = *id;
  }
  const std::string bound_to = text::Concat("ListAuditEvents\n", caller.principal, "\n", proposal);
  int64_t after = 0;
  if (!request.page_token().empty()) {
    const auto cursor = OpenPageToken(options_.page_token_key, bound_to, request.page_token());
    if (!cursor.ok()) return cursor.status();
    if (!absl::SimpleAtoi(*cursor, &after)) return error::InvalidField("page_token", "is malformed");
  }
  const int page_size = request.page_size() == 0 ? kDefaultEvents : std::min(request.page_size(), kMaxEvents);
  auto events = store_->ListAuditEvents(proposal, after, page_size + 1, deadline);
  if (!events.ok()) return events.status();
  v1::ListAuditEventsResponse response;
  if (events->size() > static_cast<size_t>(page_size)) {
    events->pop_back();
    response.set_next_page_token(
        SealPageToken(options_.page_token_key, bound_to, text::Concat(events->back().id())));
  }
  for (v1::AuditEvent& event : *events) *response.add_events() = std::move(event);
  return response;
}

}  // namespace countersign::broker
