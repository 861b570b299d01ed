// verify: what it says of a token, and of none.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "client/cli/exit_code.h"
#include "core/digest/digest.h"
#include "core/jws/base64url.h"
#include "core/jws/execution_token.h"
#include "core/text/text.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    line_.variables = {{"COUNTERSIGN_JWKS_FILE", directory_.Write("jwks.json", jws::KeySet({key_}).ToJwks())},
                       {"COUNTERSIGN_ISSUER", "https://broker.test"}};
    claims_.issuer = claims_.audience = "https://broker.test";
    claims_.subject = jws::SubjectOf("production", "targets/x", "command");
    claims_.issue_time = line_.environment.Now();
    claims_.not_before_time = claims_.issue_time - absl::Seconds(1);
    claims_.expire_time = claims_.issue_time + absl::Minutes(5);
    claims_.token_id = "token";
    claims_.actor = "spiffe://example.org/agent/bot";
    claims_.holder_thumbprint = jws::Base64UrlEncode(digest::Sha256Bytes("certificate"));
    claims_.proposal = "proposals/abcdefghijklmnopqrstuvwx";
    claims_.action_digest = digest::Sha256("action");
    claims_.artifacts = {digest::Sha256("one"), digest::Sha256("two")};
    claims_.target = "targets/x";
    claims_.environment = "production";
    claims_.kind = "command";
    claims_.approvers = {"spiffe://example.org/human/alice", "spiffe://example.org/human/bob"};
    claims_.policy_digest = digest::Sha256("policy");
  }

  std::string Token() const { return *jws::IssueExecutionToken(key_, claims_); }

  testing::TemporaryDirectory directory_;
  jws::SigningKey key_ = *jws::SigningKey::Generate();
  jws::ExecutionClaims claims_;
  testing::CommandLine line_;
};

TEST_F(VerifyTest, TellsAHumanWhatTheTokenAllows) {
  EXPECT_EQ(line_.Run({"verify", Token()}), kDone);
  EXPECT_THAT(
      line_.out.str(),
      AllOf(HasSubstr("Proposal     proposals/abcdefghijklmnopqrstuvwx\n"),
            HasSubstr("Target       targets/x, environment production\n"),
            HasSubstr("Approved by  spiffe://example.org/human/alice, spiffe://example.org/human/bob\n"),
            HasSubstr("only redeeming does")));
}

TEST_F(VerifyTest, GivesAMachineExactlyTheClaimsOfTheToken) {
  const std::string token = Token();
  const auto payload = jws::Base64UrlDecode(text::Split(token, '.').at(1));
  EXPECT_EQ(line_.Run({"verify", token, "--output", "json"}), kDone);
  EXPECT_EQ(nlohmann::json::parse(line_.out.str()), nlohmann::json::parse(*payload));
}

TEST_F(VerifyTest, GivesAMachineEmptyListsAsLists) {
  claims_.artifacts.clear();
  claims_.approvers.clear();
  EXPECT_EQ(line_.Run({"verify", Token(), "--output", "json"}), kDone);
  const auto claims = nlohmann::json::parse(line_.out.str());
  EXPECT_EQ(claims["artifacts"], nlohmann::json::array());
  EXPECT_EQ(claims["approvers"], nlohmann::json::array());
}

TEST_F(VerifyTest, SaysNothingOfATokenThatDoesNotVerify) {
  line_.environment.Advance(absl::Hours(1));
  EXPECT_EQ(line_.Run({"verify", Token(), "--output", "json"}), kVerificationFailed);
  EXPECT_THAT(line_.out.str(), IsEmpty());
  EXPECT_EQ(nlohmann::json::parse(line_.err.str())["error"]["reason"], "TOKEN_EXPIRED");
}

}  // namespace
}  // namespace countersign::cli
