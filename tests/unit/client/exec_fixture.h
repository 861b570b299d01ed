// The whole of exec, with a real token, for tests that run whole command lines.
#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_EXEC_FIXTURE_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_EXEC_FIXTURE_H_

#include <gmock/gmock.h>

#include <functional>
#include <string>

#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/jws/certificate.h"
#include "core/jws/execution_token.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign::testing {

// A broker that has approved `proposal_`, and the runner's files. Tests set the proposal's action and
// `downloaded_` first.
class ExecFixture : public ::testing::Test {
 protected:
  ExecFixture() {
    line_.variables = {{"COUNTERSIGN_JWKS_FILE", directory_.Write("jwks.json", jws::KeySet({key_}).ToJwks())},
                       {"COUNTERSIGN_ISSUER", "https://broker.test"},
                       {"COUNTERSIGN_CERTIFICATE_FILE", certificate_.certificate_path},
                       {"TMPDIR", directory_.path()},
                       {"SECRET", "s3cret"}};
    proposal_.set_name("proposals/abcdefghijklmnopqrstuvwx");
    proposal_.set_state(v1::Proposal::APPROVED);
    proposal_.mutable_action()->set_target("targets/x");
  }

  std::string Token(const std::string& action_digest) {
    const std::string kind(digest::KindName(proposal_.action().kind()));
    jws::ExecutionClaims claims;
    claims.issuer = claims.audience = "https://broker.test";
    claims.subject = jws::SubjectOf("production", "targets/x", kind);
    claims.issue_time = claims.not_before_time = line_.environment.Now();
    claims.expire_time = claims.issue_time + absl::Minutes(5);
    claims.token_id = "token";
    claims.actor = "spiffe://example.org/agent/bot";
    claims.holder_thumbprint = *jws::CertificateThumbprint(holder_.certificate_pem);
    claims.proposal = proposal_.name();
    claims.action_digest = action_digest;
    for (const auto& artifact : proposal_.action().artifacts()) claims.artifacts.push_back(artifact.digest());
    claims.target = "targets/x";
    claims.environment = "production";
    claims.kind = kind;
    claims.approvers = {"spiffe://example.org/human/alice"};
    claims.policy_digest = digest::Sha256("policy");
    if (spoil_) spoil_(&claims);
    return *jws::IssueExecutionToken(key_, claims);
  }

  // Everything that the broker does until the token is redeemed.
  void BrokerIsReady() {
    using ::testing::_;
    using ::testing::Return;
    ON_CALL(*line_.client, Wait(_, _)).WillByDefault(Return(proposal_));
    ON_CALL(*line_.client, DownloadArtifact(_, _, _, _))
        .WillByDefault([this](auto&, auto&, const auto& sink, auto&) { return sink(downloaded_); });
    v1::ClaimProposalResponse claim;
    claim.set_token(Token(token_digest_.empty() ? *digest::ActionDigest(proposal_.action()) : token_digest_));
    ON_CALL(*line_.client, Claim(_, _)).WillByDefault(Return(claim));
    v1::RedeemTokenResponse leave;
    *leave.mutable_proposal() = proposal_;
    leave.mutable_proposal()->mutable_execution()->set_id("execution");
    leave.mutable_heartbeat_interval()->set_seconds(3600);
    ON_CALL(*line_.client, Redeem(_, _)).WillByDefault(Return(leave));
    ON_CALL(*line_.client, Heartbeat(_, _)).WillByDefault(Return(v1::HeartbeatResponse()));
  }

  testing::TemporaryDirectory directory_;
  testing::TestCa ca_;
  testing::Certificate certificate_ = ca_.IssueClient("spiffe://example.org/workload/ci");
  testing::Certificate holder_ = certificate_;
  jws::SigningKey key_ = *jws::SigningKey::Generate();
  testing::CommandLine line_;
  std::string downloaded_;
  std::string token_digest_;
  std::function<void(jws::ExecutionClaims*)> spoil_;  // What the broker does to the token before it signs.
  v1::Proposal proposal_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_EXEC_FIXTURE_H_
