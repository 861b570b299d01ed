#include "server/app/dev_documents.h"

namespace countersign::app {

namespace {

constexpr char kDirectory[] =
    R"(# Who exists. Change it and run `countersign apply -f` as alice, who is an admin.
document: Directory
principals:
  - id: spiffe://dev.countersign.local/agent/agent
    owner: alice
  - id: spiffe://dev.countersign.local/human/alice
    person: alice
  - id: spiffe://dev.countersign.local/human/bob
    person: bob
  - id: spiffe://dev.countersign.local/workload/ci
    owner: bob
groups:
  - name: admin
    members: [spiffe://dev.countersign.local/human/alice]
  - name: operators
    members: [spiffe://dev.countersign.local/human/alice, spiffe://dev.countersign.local/human/bob]
)";

constexpr char kPolicy[] =
    R"(# What is asked of whom. The first rule that matches decides; where none does, one human who is not the
# requester must approve.
document: Policy
rules:
  - name: production
    environments: [production]
    verdict: REQUIRE_APPROVAL
    quorums:
      - count: 1
        groups: [operators]
    pending_lifetime: 86400s
    approval_lifetime: 3600s
    token_lifetime: 300s
    lease_lifetime: 60s
    max_plan_age: 86400s
)";

constexpr char kTargets[] = R"(# What is acted upon, and who may run it.
document: Target
name: targets/dev
environment: development
owners: [operators]
executors: [spiffe://dev.countersign.local/workload/ci]
---
document: Target
name: targets/courses
environment: production
owners: [operators]
executors: [spiffe://dev.countersign.local/workload/ci]
)";

}  // namespace

const std::vector<DevIdentity>& DevIdentities() {
  static const std::vector<DevIdentity> identities{
      {"agent", "spiffe://dev.countersign.local/agent/agent", "proposes"},
      {"alice", "spiffe://dev.countersign.local/human/alice", "decides, and is an admin"},
      {"bob", "spiffe://dev.countersign.local/human/bob", "decides"},
      {"ci", "spiffe://dev.countersign.local/workload/ci", "runs what was approved"}};
  return identities;
}

const std::vector<DevDocument>& DevDocuments() {
  static const std::vector<DevDocument> documents{
      {"directory.yaml", kDirectory}, {"policy.yaml", kPolicy}, {"targets.yaml", kTargets}};
  return documents;
}

}  // namespace countersign::app
