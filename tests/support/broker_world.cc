#include "tests/support/broker_world.h"

#include "core/digest/digest.h"
#include "core/jws/base64url.h"
#include "core/jws/signing_key.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"

namespace countersign::testing {
namespace {

constexpr absl::Time kForever = absl::InfiniteFuture();

std::string KeyDirectory(const TemporaryDirectory& directory) {
  directory.Write("20200101T000000Z.pem", jws::SigningKey::Generate()->ToPem());
  return directory.path();
}

}  // namespace

BrokerWorld::BrokerWorld(storage::Store* store)
    : clock(absl::FromUnixSeconds(1'790'000'000)),
      keys(KeyDirectory(directory)),
      master_keys(*storage::MasterKeys::Parse("test AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
      broker({.issuer = "https://broker.test", .page_token_key = std::string(32, 'k')}, store, &clock,
             &random, &keys, &master_keys, &plan_reader, nullptr) {
  EXPECT_OK(keys.Reload());
  EXPECT_OK(broker.Bootstrap(Documents(), kForever));
  EXPECT_OK(broker.RefreshConfiguration(kForever));
}

std::string BrokerWorld::Thumbprint(std::string_view certificate) {
  return jws::Base64UrlEncode(digest::Sha256Bytes(certificate));
}

std::string BrokerWorld::Uri(std::string_view kind, std::string_view name) {
  return text::Concat("spiffe://example.org/", kind, "/", name);
}

broker::Caller BrokerWorld::As(std::string_view kind, std::string_view name) {
  const std::string uri = Uri(kind, name);
  return {uri, policy::ParsePrincipalId(uri)->kind, Thumbprint(name)};
}

std::string BrokerWorld::Documents() {
  return R"(document: Directory
principals:
  - {id: spiffe://example.org/agent/bot, owner: alice}
  - {id: spiffe://example.org/agent/bot2}
  - {id: spiffe://example.org/human/alice, person: alice}
  - {id: spiffe://example.org/human/alice-phone, person: alice}
  - {id: spiffe://example.org/human/bob, person: bob}
  - {id: spiffe://example.org/human/carol}
  - {id: spiffe://example.org/human/mallory}
  - {id: spiffe://example.org/human/zoe, revoked: true}
  - {id: spiffe://example.org/workload/ci}
  - {id: spiffe://example.org/workload/ci2}
  - {id: spiffe://example.org/auditor/eve}
  - {id: spiffe://example.org/agent/revoked, revoked: true}
  - {id: spiffe://example.org/human/revoked, revoked: true}
  - {id: spiffe://example.org/workload/revoked, revoked: true}
  - {id: spiffe://example.org/auditor/revoked, revoked: true}
groups:
  - {name: admin, members: [spiffe://example.org/human/alice]}
  - name: platform
    members:
      - spiffe://example.org/human/alice
      - spiffe://example.org/human/alice-phone
      - spiffe://example.org/human/bob
      - spiffe://example.org/human/zoe
      - spiffe://example.org/agent/bot2
  - {name: security, members: [spiffe://example.org/human/carol, spiffe://example.org/human/bob]}
---
document: Policy
rules:
  - name: production
    environments: [production]
    verdict: REQUIRE_APPROVAL
    quorums: [{count: 2, groups: [platform, security]}]
    approval_lifetime: 600s
    token_lifetime: 120s
  - name: secure
    environments: [secure]
    verdict: REQUIRE_APPROVAL
    quorums: [{count: 1, groups: [platform]}, {count: 1, groups: [security]}]
    owner_excluded: true
  - {name: sandbox, environments: [sandbox], verdict: ALLOW}
  - {name: frozen, environments: [frozen], verdict: DENY}
---
document: Target
name: targets/dev
environment: development
executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]
---
document: Target
name: targets/prod-courses
environment: production
owners: [platform]
executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]
---
document: Target
name: targets/vault
environment: secure
executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]
audience: https://vault.test
---
document: Target
name: targets/sandbox
environment: sandbox
executors: [spiffe://example.org/workload/ci, spiffe://example.org/human/bob]
---
document: Target
name: targets/frozen
environment: frozen
executors: [spiffe://example.org/workload/ci]
)";
}

v1::CreateProposalRequest BrokerWorld::Command(const std::string& target, const std::string& argument) {
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::COMMAND);
  request.mutable_action()->set_target(target);
  request.mutable_action()->add_argv("echo");
  request.mutable_action()->add_argv(argument);
  request.set_reason("because");
  return request;
}

v1::PlanState BrokerWorld::StateAfter(uint64_t serial, int databases) {
  v1::PlanState state;
  state.set_lineage("L");
  state.set_serial(serial);
  state.set_resource_count(databases);
  state.set_content_digest(digest::Sha256(text::Concat("state with ", databases)));
  for (int i = 0; i < databases; ++i) {
    v1::StateResource* resource = state.add_resources();
    resource->set_address(text::Concat("aws_db_instance.a[", i, "]"));
    resource->set_type("aws_db_instance");
    resource->set_id(text::Concat("courses-", i));
  }
  return state;
}

v1::PlanView BrokerWorld::Plan(uint64_t serial) {
  v1::PlanView view;
  view.set_terraform_version("1.11.4");
  view.set_engine("terraform");
  view.set_mode(v1::NO_CHANGES);
  view.set_declared_mode("normal");
  view.mutable_timestamp()->set_seconds(1'790'000'000);
  view.set_applyable(true);
  view.set_complete(true);
  *view.mutable_state() = StateAfter(serial);
  view.mutable_backend()->set_type("s3");
  view.mutable_backend()->set_workspace("default");
  view.mutable_backend()->set_settings_digest(digest::Sha256("settings"));
  view.set_fingerprint(digest::Sha256("fingerprint"));
  return view;
}

absl::StatusOr<v1::Proposal> BrokerWorld::SubmitPlan(const v1::PlanView& view, const std::string& target) {
  const auto artifact = broker.StoreArtifact(As("agent", "bot"), FakePlanReader::BytesOf(view), kForever);
  if (!artifact.ok()) return artifact.status();
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  request.mutable_action()->set_target(target);
  v1::ArtifactReference* reference = request.mutable_action()->add_artifacts();
  reference->set_digest(artifact->digest());
  reference->set_file_name("plan.tfplan");
  request.set_reason("because");
  return broker.CreateProposal(As("agent", "bot"), request, kForever);
}

v1::Proposal BrokerWorld::Executing(const v1::Proposal& submitted) {
  v1::Proposal proposal = *Approve(submitted, "alice");
  if (proposal.state() == v1::Proposal::PENDING) proposal = *Approve(proposal, "bob");
  const auto claimed = Claim(proposal);
  EXPECT_OK(claimed);
  const auto redeemed = Redeem(*claimed);
  EXPECT_OK(redeemed);
  return redeemed->proposal();
}

absl::StatusOr<v1::Proposal> BrokerWorld::Submit(const std::string& target, const std::string& argument) {
  return broker.CreateProposal(As("agent", "bot"), Command(target, argument), kForever);
}

absl::StatusOr<v1::Proposal> BrokerWorld::Approve(const v1::Proposal& shown, std::string_view human,
                                                  std::string request_id) {
  v1::ApproveProposalRequest request;
  request.set_name(shown.name());
  request.set_etag(shown.etag());
  request.set_action_digest(shown.action_digest());
  request.set_request_id(std::move(request_id));
  return broker.ApproveProposal(As("human", human), request, kForever);
}

absl::StatusOr<v1::Proposal> BrokerWorld::Deny(const v1::Proposal& shown, std::string_view human) {
  v1::DenyProposalRequest request;
  request.set_name(shown.name());
  request.set_etag(shown.etag());
  request.set_action_digest(shown.action_digest());
  return broker.DenyProposal(As("human", human), request, kForever);
}

absl::StatusOr<v1::ClaimProposalResponse> BrokerWorld::Claim(const v1::Proposal& proposal,
                                                             std::string_view workload,
                                                             std::string request_id) {
  v1::ClaimProposalRequest request;
  request.set_name(proposal.name());
  request.set_request_id(std::move(request_id));
  return broker.ClaimProposal(As("workload", workload), request, kForever);
}

absl::StatusOr<v1::RedeemTokenResponse> BrokerWorld::Redeem(const v1::ClaimProposalResponse& claimed,
                                                            std::string_view workload,
                                                            std::string request_id) {
  v1::RedeemTokenRequest request;
  request.set_token(claimed.token());
  request.set_action_digest(claimed.proposal().action_digest());
  request.set_request_id(std::move(request_id));
  return broker.RedeemToken(As("workload", workload), request, kForever);
}

absl::StatusOr<v1::Proposal> BrokerWorld::Report(const v1::Proposal& executing, int exit_code,
                                                 const std::optional<v1::PlanState>& state) {
  v1::ReportExecutionRequest request;
  request.set_name(executing.name());
  request.set_execution_id(executing.execution().id());
  request.set_exit_code(exit_code);
  if (state.has_value()) *request.mutable_state() = *state;
  return broker.ReportExecution(As("workload", "ci"), request, kForever);
}

absl::StatusOr<v1::Proposal> BrokerWorld::Get(const v1::Proposal& proposal) {
  v1::GetProposalRequest request;
  request.set_name(proposal.name());
  return broker.GetProposal(As("auditor", "eve"), request, kForever);
}

absl::StatusOr<v1::ApplyDocumentsResponse> BrokerWorld::Apply(const std::string& content) {
  v1::ApplyDocumentsRequest request;
  request.set_content(content);
  return broker.ApplyDocuments(As("human", "alice"), request, kForever);
}

std::vector<std::string> BrokerWorld::AuditTypes(const v1::Proposal& proposal) {
  v1::ListAuditEventsRequest request;
  request.set_proposal(proposal.name());
  request.set_page_size(1000);
  std::vector<std::string> types;
  const auto response = broker.ListAuditEvents(As("auditor", "eve"), request, kForever);
  EXPECT_OK(response);
  for (const v1::AuditEvent& event : response->events()) {
    types.push_back(event.type());
  }
  return types;
}

v1::Proposal BrokerWorld::Approved(const std::string& argument) {
  const auto submitted = Submit("targets/dev", argument);
  EXPECT_OK(submitted);
  const auto approved = Approve(*submitted, "bob");
  EXPECT_OK(approved);
  return *approved;
}

}  // namespace countersign::testing
