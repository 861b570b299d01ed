#include "server/broker/authorization.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/broker_world.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::broker {
namespace {

using ::countersign::testing::BrokerWorld;
using ::countersign::testing::FakeStore;
using ::countersign::testing::HasReason;

// Who may call what, written down a second time: a letter for each of agent, human, admin, workload, auditor.
const std::map<std::string, std::string> kExpected = {
    {"UploadArtifact", "Ah+.."},  {"DownloadArtifact", "Ah+WE"},     {"CreateProposal", "Ah+.."},
    {"GetProposal", "Ah+WE"},     {"ListProposals", "Ah+WE"},        {"WaitProposal", "Ah+WE"},
    {"WatchProposals", "Ah+WE"},  {"CancelProposal", "Ah+.."},       {"ApproveProposal", ".h+.."},
    {"DenyProposal", ".h+.."},    {"RevokeProposal", ".h+.."},       {"ResolveProposal", ".h+.."},
    {"ClaimProposal", ".h+W."},   {"RedeemToken", ".h+W."},          {"Heartbeat", ".h+W."},
    {"ReportExecution", ".h+W."}, {"ApplyDocuments", "..+.."},       {"GetDocument", ".h+.E"},
    {"ListDocuments", ".h+.E"},   {"ListDocumentVersions", ".h+.E"}, {"GetCaller", "Ah+WE"},
    {"ListAuditEvents", ".h+.E"}, {"GetPlanView", "Ah+WE"},          {"GetTargetMemory", ".h+.E"},
    {"AdoptState", "..+.."},
};

class AuthorizationTest : public ::testing::Test {
 protected:
  FakeStore store_;
  BrokerWorld world_{&store_};
};

TEST_F(AuthorizationTest, TheTableIsAsWrittenInEveryCell) {
  const Caller callers[] = {BrokerWorld::As("agent", "bot"), BrokerWorld::As("human", "bob"),
                            BrokerWorld::As("human", "alice"), BrokerWorld::As("workload", "ci"),
                            BrokerWorld::As("auditor", "eve")};
  size_t methods = 0;
  for (int number = 0; number <= static_cast<int>(Method::kListAuditEvents); ++number, ++methods) {
    const auto method = static_cast<Method>(number);
    const auto row = kExpected.find(std::string(MethodName(method)));
    ASSERT_NE(row, kExpected.end()) << MethodName(method);
    for (size_t column = 0; column < std::size(callers); ++column) {
      SCOPED_TRACE(row->first + " by " + callers[column].principal);
      const absl::Status status = world_.broker.Authorize(method, callers[column]);
      if (row->second[column] == '.') {
        EXPECT_THAT(status, HasReason(v1::NOT_PERMITTED));
      } else {
        EXPECT_OK(status);
      }
    }
  }
  EXPECT_EQ(methods, kExpected.size());
}

TEST_F(AuthorizationTest, NobodyUnknownOrRevokedMayDoAnything) {
  for (int number = 0; number <= static_cast<int>(Method::kListAuditEvents); ++number) {
    const auto method = static_cast<Method>(number);
    SCOPED_TRACE(MethodName(method));
    for (const auto* kind : {"agent", "human", "workload", "auditor"}) {
      EXPECT_THAT(world_.broker.Authorize(method, BrokerWorld::As(kind, "stranger")),
                  HasReason(v1::PRINCIPAL_UNKNOWN));
      EXPECT_THAT(world_.broker.Authorize(method, BrokerWorld::As(kind, "revoked")),
                  HasReason(v1::PRINCIPAL_REVOKED));
    }
  }
}

TEST_F(AuthorizationTest, TheKindComesFromTheCertificateEvenWhereNamesAreEqual) {
  // A human of the same name in another trust domain is somebody else.
  Caller caller = BrokerWorld::As("human", "alice");
  caller.principal = "spiffe://elsewhere.org/human/alice";
  EXPECT_THAT(world_.broker.Authorize(Method::kApproveProposal, caller), HasReason(v1::PRINCIPAL_UNKNOWN));
}

}  // namespace
}  // namespace countersign::broker
