#ifndef COUNTERSIGN_TESTS_SUPPORT_BROKER_WORLD_H_
#define COUNTERSIGN_TESTS_SUPPORT_BROKER_WORLD_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/broker/broker.h"
#include "server/storage/sealing.h"
#include "server/storage/store.h"
#include "server/token/key_ring.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_plan_reader.h"
#include "tests/support/fake_random.h"
#include "tests/support/temporary_directory.h"

namespace countersign::testing {

// A broker over any store, with people and targets to play with:
//   agents bot (owned by alice) and bot2; humans alice (admin, platform), bob (platform), carol (security),
//   alice-phone (a second identity of alice), mallory (in no group), zoe (revoked); workloads ci and ci2;
//   auditor eve; and one of each kind called revoked. targets/dev (development: built-in default),
//   targets/prod-courses (production: two of platform), targets/vault (secure: one of platform and one of
//   security), targets/sandbox (sandbox: allowed at once), targets/frozen (frozen: denied). Executors of all:
//   ci, and bob; ci2 of none.
class BrokerWorld {
 public:
  explicit BrokerWorld(storage::Store* store);

  static broker::Caller As(std::string_view kind, std::string_view name);
  // A thumbprint for a certificate of this name.
  static std::string Thumbprint(std::string_view certificate);
  static std::string Uri(std::string_view kind, std::string_view name);
  static std::string Documents();

  // A command for `target`; its argv ends with `argument`.
  static v1::CreateProposalRequest Command(const std::string& target, const std::string& argument = "one");

  // A plan that changes nothing, made on the state L with this serial, which has one database.
  static v1::PlanView Plan(uint64_t serial);
  absl::StatusOr<v1::Proposal> SubmitPlan(const v1::PlanView& view,
                                          const std::string& target = "targets/prod-courses");
  // What a runner says of the state that it leaves: lineage L, this serial, and as many databases.
  static v1::PlanState StateAfter(uint64_t serial, int databases = 1);

  absl::StatusOr<v1::Proposal> Submit(const std::string& target, const std::string& argument = "one");
  absl::StatusOr<v1::Proposal> Approve(const v1::Proposal& shown, std::string_view human,
                                       std::string request_id = "");
  absl::StatusOr<v1::Proposal> Deny(const v1::Proposal& shown, std::string_view human);
  absl::StatusOr<v1::ClaimProposalResponse> Claim(const v1::Proposal& proposal,
                                                  std::string_view workload = "ci",
                                                  std::string request_id = "");
  absl::StatusOr<v1::RedeemTokenResponse> Redeem(const v1::ClaimProposalResponse& claimed,
                                                 std::string_view workload = "ci",
                                                 std::string request_id = "");
  absl::StatusOr<v1::Proposal> Report(const v1::Proposal& executing, int exit_code,
                                      const std::optional<v1::PlanState>& state = std::nullopt);
  // Approved by alice and bob, claimed and redeemed by ci.
  v1::Proposal Executing(const v1::Proposal& submitted);
  absl::StatusOr<v1::Proposal> Get(const v1::Proposal& proposal);
  absl::StatusOr<v1::ApplyDocumentsResponse> Apply(const std::string& content);
  std::vector<std::string> AuditTypes(const v1::Proposal& proposal);

  // A proposal for targets/dev that bob approved.
  v1::Proposal Approved(const std::string& argument = "one");

  FakeClock clock;
  FakeRandom random;
  TemporaryDirectory directory;
  token::KeyRing keys;
  storage::MasterKeys master_keys;
  FakePlanReader plan_reader;
  broker::Broker broker;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_BROKER_WORLD_H_
