#include "core/jws/execution_token.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/digest/digest.h"
#include "core/jws/base64url.h"
#include "core/jws/jws.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core/test_keys.h"

namespace countersign::jws {
namespace {

using ::countersign::testing::HasReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kIssued = absl::FromUnixSeconds(1700000000);
const absl::Time kExpires = kIssued + absl::Seconds(300);

ExecutionClaims Claims() {
  ExecutionClaims claims;
  claims.issuer = "https://broker.example";
  claims.subject = "env:production:target:prod-courses:kind:command";
  claims.audience = "https://broker.example";
  claims.issue_time = kIssued;
  claims.not_before_time = kIssued;
  claims.expire_time = kExpires;
  claims.token_id = "abcdefghijklmnopqrstuvwx";
  claims.actor = "spiffe://example/agent/builder";
  claims.holder_thumbprint = kCertificateThumbprint;
  claims.proposal = "proposals/bcdefghijklmnopqrstuvwxy";
  claims.action_digest = digest::Sha256("action");
  claims.artifacts = {digest::Sha256("one"), digest::Sha256("two")};
  claims.target = "targets/prod-courses";
  claims.environment = "production";
  claims.kind = "command";
  claims.approvers = {"spiffe://example/human/alice", "spiffe://example/human/bob"};
  claims.policy_digest = digest::Sha256("policy");
  return claims;
}

Expectation At(absl::Time now) {
  Expectation expectation;
  expectation.issuer = "https://broker.example";
  expectation.audience = "https://broker.example";
  expectation.now = now;
  expectation.holder_thumbprint = kCertificateThumbprint;
  return expectation;
}

class ExecutionTokenTest : public ::testing::Test {
 protected:
  std::string Issue(const ExecutionClaims& claims) const {
    const auto token = IssueExecutionToken(key_, claims);
    EXPECT_OK(token);
    return token.value_or("");
  }
  std::string Payload() const {
    const std::vector<std::string> parts = absl::StrSplit(Issue(Claims()), '.');
    return *Base64UrlDecode(parts[1]);
  }
  // A properly signed token with `from` in its payload replaced by `to`.
  std::string Altered(const std::string& from, const std::string& to) const {
    const std::string payload = absl::StrReplaceAll(Payload(), {{from, to}});
    EXPECT_NE(payload, Payload()) << "nothing to replace: " << from;
    return *Sign(key_, kExecutionTokenType, payload);
  }
  absl::StatusOr<ExecutionClaims> Verify(const std::string& token,
                                         const Expectation& expectation = At(kIssued)) const {
    return VerifyExecutionToken(token, keys_, expectation);
  }

  const SigningKey key_ = *SigningKey::FromPem(kRfcKeyPem);
  const KeySet keys_{{key_}};
};

TEST_F(ExecutionTokenTest, CarriesEveryClaim) {
  const ExecutionClaims wanted = Claims();
  ASSERT_OK_AND_ASSIGN(const ExecutionClaims claims, Verify(Issue(wanted)));
  EXPECT_EQ(claims.issuer, wanted.issuer);
  EXPECT_EQ(claims.subject, wanted.subject);
  EXPECT_EQ(claims.audience, wanted.audience);
  EXPECT_EQ(claims.issue_time, wanted.issue_time);
  EXPECT_EQ(claims.not_before_time, wanted.not_before_time);
  EXPECT_EQ(claims.expire_time, wanted.expire_time);
  EXPECT_EQ(claims.token_id, wanted.token_id);
  EXPECT_EQ(claims.actor, wanted.actor);
  EXPECT_EQ(claims.holder_thumbprint, wanted.holder_thumbprint);
  EXPECT_EQ(claims.proposal, wanted.proposal);
  EXPECT_EQ(claims.action_digest, wanted.action_digest);
  EXPECT_EQ(claims.artifacts, wanted.artifacts);
  EXPECT_EQ(claims.target, wanted.target);
  EXPECT_EQ(claims.environment, wanted.environment);
  EXPECT_EQ(claims.kind, wanted.kind);
  EXPECT_EQ(claims.approvers, wanted.approvers);
  EXPECT_EQ(claims.policy_digest, wanted.policy_digest);
}

TEST_F(ExecutionTokenTest, SpellsItsClaimsAsTheRfcsDo) {
  EXPECT_EQ(
      Payload(),
      absl::StrCat(
          R"({"act":{"sub":"spiffe://example/agent/builder"},"action_digest":")", digest::Sha256("action"),
          R"(","approvers":["spiffe://example/human/alice","spiffe://example/human/bob"],"artifacts":[")",
          digest::Sha256("one"), R"(",")", digest::Sha256("two"),
          R"("],"aud":"https://broker.example","cnf":{"x5t#S256":")", kCertificateThumbprint,
          R"("},"environment":"production","exp":1700000300,"iat":1700000000,"iss":"https://broker.example",)",
          R"("jti":"abcdefghijklmnopqrstuvwx","kind":"command","nbf":1700000000,"policy_digest":")",
          digest::Sha256("policy"), R"(","proposal":"proposals/bcdefghijklmnopqrstuvwxy",)",
          R"("sub":"env:production:target:prod-courses:kind:command","target":"targets/prod-courses"})"));
}

TEST_F(ExecutionTokenTest, SubjectLeavesOutTheCollection) {
  EXPECT_EQ(SubjectOf("production", "targets/prod-courses", "terraform_plan"),
            "env:production:target:prod-courses:kind:terraform_plan");
}

TEST_F(ExecutionTokenTest, ListsMayBeEmpty) {
  ExecutionClaims claims = Claims();
  claims.artifacts.clear();
  claims.approvers.clear();
  ASSERT_OK_AND_ASSIGN(const ExecutionClaims verified, Verify(Issue(claims)));
  EXPECT_THAT(verified.artifacts, ElementsAre());
  EXPECT_THAT(verified.approvers, ElementsAre());
}

TEST_F(ExecutionTokenTest, ExpiresAtItsExpireTime) {
  const std::string token = Issue(Claims());
  EXPECT_OK(Verify(token, At(kExpires - absl::Nanoseconds(1))));
  EXPECT_THAT(Verify(token, At(kExpires)), HasReason(v1::TOKEN_EXPIRED));
  EXPECT_THAT(Verify(token, At(kExpires + absl::Hours(1000))), HasReason(v1::TOKEN_EXPIRED));
}

TEST_F(ExecutionTokenTest, IsNotValidBeforeItsTime) {
  const std::string token = Issue(Claims());
  EXPECT_OK(Verify(token, At(kIssued)));
  EXPECT_THAT(Verify(token, At(kIssued - absl::Nanoseconds(1))), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, LeewayWidensBothEdges) {
  const std::string token = Issue(Claims());
  Expectation expectation = At(kExpires + absl::Seconds(5) - absl::Nanoseconds(1));
  expectation.leeway = absl::Seconds(5);
  EXPECT_OK(Verify(token, expectation));
  expectation.now = kExpires + absl::Seconds(5);
  EXPECT_THAT(Verify(token, expectation), HasReason(v1::TOKEN_EXPIRED));
  expectation.now = kIssued - absl::Seconds(5);
  EXPECT_OK(Verify(token, expectation));
  expectation.now = kIssued - absl::Seconds(5) - absl::Nanoseconds(1);
  EXPECT_THAT(Verify(token, expectation), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, RoundsItsTimesDown) {
  ExecutionClaims claims = Claims();
  claims.expire_time += absl::Milliseconds(999);
  const std::string token = Issue(claims);
  EXPECT_THAT(Verify(token, At(kExpires)), HasReason(v1::TOKEN_EXPIRED));
}

TEST_F(ExecutionTokenTest, RejectsAnotherIssuer) {
  Expectation expectation = At(kIssued);
  for (const char* issuer :
       {"https://other.example", "https://broker.example/", "HTTPS://broker.example", ""}) {
    expectation.issuer = issuer;
    EXPECT_THAT(Verify(Issue(Claims()), expectation), HasReason(v1::TOKEN_INVALID)) << issuer;
  }
}

TEST_F(ExecutionTokenTest, RejectsAnotherAudience) {
  Expectation expectation = At(kIssued);
  for (const char* audience : {"https://other.example", "https://broker.example/", "https://broker", ""}) {
    expectation.audience = audience;
    EXPECT_THAT(Verify(Issue(Claims()), expectation), HasReason(v1::TOKEN_INVALID)) << audience;
  }
  EXPECT_THAT(Verify(Altered(R"("aud":"https://broker.example")", R"("aud":["https://broker.example"])")),
              HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, RejectsAnotherHolder) {
  Expectation expectation = At(kIssued);
  expectation.holder_thumbprint = Base64UrlEncode(digest::Sha256Bytes("another certificate"));
  EXPECT_THAT(Verify(Issue(Claims()), expectation), HasReason(v1::TOKEN_WRONG_HOLDER));
  expectation.holder_thumbprint = "";
  EXPECT_THAT(Verify(Issue(Claims()), expectation), HasReason(v1::TOKEN_WRONG_HOLDER));
  expectation.holder_thumbprint.reset();
  EXPECT_OK(Verify(Issue(Claims()), expectation));
}

TEST_F(ExecutionTokenTest, RejectsAnotherType) {
  ASSERT_OK_AND_ASSIGN(const std::string token, Sign(key_, "JWT", Payload()));
  EXPECT_THAT(Verify(token), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, RejectsAnotherKey) {
  ASSERT_OK_AND_ASSIGN(const SigningKey other, SigningKey::Generate());
  ASSERT_OK_AND_ASSIGN(const std::string token, IssueExecutionToken(other, Claims()));
  EXPECT_THAT(Verify(token), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, RejectsEveryMissingClaim) {
  for (const char* claim :
       {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "act", "cnf", "x5t#S256", "proposal",
        "action_digest", "artifacts", "target", "environment", "kind", "approvers", "policy_digest"}) {
    const auto result =
        Verify(Altered(absl::StrCat("\"", claim, "\":"), absl::StrCat("\"not_", claim, "\":")));
    EXPECT_THAT(result, HasReason(v1::TOKEN_INVALID)) << claim;
  }
}

TEST_F(ExecutionTokenTest, RejectsEveryClaimOfAnotherType) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("iss":"https://broker.example")", R"("iss":7)"},
           {R"("iss":"https://broker.example")", R"("iss":"")"},
           {R"("jti":"abcdefghijklmnopqrstuvwx")", R"("jti":null)"},
           {R"("jti":"abcdefghijklmnopqrstuvwx")", R"("jti":"")"},
           {R"("exp":1700000300)", R"("exp":"1700000300")"},
           {R"("exp":1700000300)", R"("exp":1700000300.5)"},
           {R"("exp":1700000300)", R"("exp":1.7000003e9)"},
           {R"("exp":1700000300)", R"("exp":-1)"},
           {R"("exp":1700000300)", R"("exp":253402300800)"},
           {R"("exp":1700000300)", R"("exp":18446744073709551615)"},
           {R"("exp":1700000300)", R"("exp":99999999999999999999999)"},
           {R"("exp":1700000300)", R"("exp":1e999)"},
           {R"("exp":1700000300)", R"("exp":true)"},
           {R"("exp":1700000300)", R"("exp":[1700000300])"},
           {R"("exp":1700000300)", R"("exp":1700000000)"},
           {R"("iat":1700000000)", R"("iat":1700000300)"},
           {R"("nbf":1700000000)", R"("nbf":1700000300)"},
           {R"({"sub":"spiffe://example/agent/builder"})", R"("spiffe://example/agent/builder")"},
           {R"({"sub":"spiffe://example/agent/builder"})", R"({"sub":7})"},
           {R"({"sub":"spiffe://example/agent/builder"})", R"({"sub":""})"},
           {R"({"sub":"spiffe://example/agent/builder"})", R"({"sub":"a","act":{"sub":"b"}})"},
           {kCertificateThumbprint, "short"},
           {kCertificateThumbprint, std::string(kCertificateThumbprint) + "="},
           {digest::Sha256("action"), "sha256:abc"},
           {digest::Sha256("policy"), "policy"},
           {digest::Sha256("two"), "SHA256:two"},
           {absl::StrCat("\"", digest::Sha256("two"), "\""), "7"},
           {absl::StrCat("[\"", digest::Sha256("one"), "\",\"", digest::Sha256("two"), "\"]"), "\"\""},
           {R"("spiffe://example/human/bob")", R"(["spiffe://example/human/bob"])"},
           {R"("spiffe://example/human/bob")", R"("")"},
           {R"("target":"targets/prod-courses")", R"("target":"prod-courses")"},
           {R"("target":"targets/prod-courses")", R"("target":"targets/")"},
           {R"("kind":"command")", R"("kind":{})"}}) {
    EXPECT_THAT(Verify(Altered(from, to)), HasReason(v1::TOKEN_INVALID)) << from << " as " << to;
  }
}

TEST_F(ExecutionTokenTest, RejectsASubjectThatIsNotTheOneOfItsClaims) {
  for (const char* subject : {"env:production:target:prod-courses:kind:terraform_plan",
                              "env:staging:target:prod-courses:kind:command",
                              "env:production:target:targets/prod-courses:kind:command", "repo:anything"}) {
    EXPECT_THAT(Verify(Altered("env:production:target:prod-courses:kind:command", subject)),
                HasReason(v1::TOKEN_INVALID))
        << subject;
  }
}

// "env:a:target:b" must mean one environment and one target, so neither may bring a colon of its own.
TEST_F(ExecutionTokenTest, IssuesNoSubjectThatCouldMeanTwoThings) {
  for (const char* word : {"a:target:b", "", "a/b", "*", "A", "a b", "a\n", "é"}) {
    ExecutionClaims claims = Claims();
    claims.environment = word;
    claims.subject = SubjectOf(claims.environment, claims.target, claims.kind);
    EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INTERNAL)) << word;
    claims = Claims();
    claims.target = absl::StrCat("targets/", word);
    claims.subject = SubjectOf(claims.environment, claims.target, claims.kind);
    EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INTERNAL)) << word;
  }
}

TEST_F(ExecutionTokenTest, RejectsDuplicateMembers) {
  EXPECT_THAT(Verify(Altered(R"("exp":1700000300)", R"("exp":1700000300,"exp":1800000000)")),
              HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(Verify(Altered(R"("exp":1700000300)", R"("exp":1700000300,"e\u0078p":1800000000)")),
              HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(Verify(Altered(R"({"sub":)", R"({"sub":"x","sub":)")), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, RejectsPayloadsThatAreNoObject) {
  for (const std::string& payload :
       {std::string(), std::string("null"), std::string("[]"), std::string("7"), std::string("{}"),
        std::string("{\"iss\":\"\xff\"}"), std::string(R"({"iss":"\ud800"})"), std::string(8000, '['),
        Payload() + "x", Payload() + Payload(), Payload().substr(1),
        std::string("{") + std::string(1, '\0') + "}"}) {
    ASSERT_OK_AND_ASSIGN(const std::string token, Sign(key_, kExecutionTokenType, payload));
    EXPECT_THAT(Verify(token), HasReason(v1::TOKEN_INVALID)) << payload.substr(0, 40);
  }
}

TEST_F(ExecutionTokenTest, IgnoresClaimsOfLaterBrokers) {
  EXPECT_OK(Verify(Altered(R"("exp":)", R"("later":{"lineage":"x","serial":7},"exp":)")));
}

TEST_F(ExecutionTokenTest, SaysWhichStateAPlanWasMadeOn) {
  ExecutionClaims claims = Claims();
  claims.state = ExecutionClaims::State{"f3c6c4e1", 18446744073709551615u};
  ASSERT_OK_AND_ASSIGN(const ExecutionClaims read, ReadExecutionToken(Issue(claims), keys_));
  EXPECT_EQ(read.state, claims.state);
  claims.state = ExecutionClaims::State{"", 0};
  EXPECT_EQ(ReadExecutionToken(Issue(claims), keys_)->state, claims.state);
  EXPECT_EQ(ReadExecutionToken(Issue(Claims()), keys_)->state, std::nullopt);
}

TEST_F(ExecutionTokenTest, RejectsAStateThatIsNone) {
  for (const char* state :
       {R"("x")", R"({})", R"({"lineage":"x"})", R"({"lineage":"x","serial":7})",
        R"({"lineage":"x","serial":"07"})", R"({"lineage":"x","serial":"-1"})",
        R"({"lineage":"x","serial":""})", R"({"lineage":1,"serial":"7"})",
        R"({"lineage":"x","serial":"7","more":"y"})", R"({"lineage":"x","serial":"18446744073709551616"})"}) {
    SCOPED_TRACE(state);
    EXPECT_THAT(Verify(Altered(R"("exp":)", std::string(R"("state":)") + state + R"(,"exp":)")),
                HasReason(v1::TOKEN_INVALID));
  }
}

TEST_F(ExecutionTokenTest, RejectsDeepNesting) {
  EXPECT_OK(Verify(Altered(R"("exp":)", R"("later":[[[[[[[]]]]]]],"exp":)")));
  EXPECT_THAT(Verify(Altered(R"("exp":)", R"("later":[[[[[[[[]]]]]]]],"exp":)")),
              HasReason(v1::TOKEN_INVALID));
}

// The broker reads first, because the audience to expect is the target's that the token names.
TEST_F(ExecutionTokenTest, ReadingLeavesTheExpectationToTheCaller) {
  ASSERT_OK_AND_ASSIGN(const ExecutionClaims claims, ReadExecutionToken(Issue(Claims()), keys_));
  EXPECT_EQ(claims.proposal, Claims().proposal);
  EXPECT_OK(CheckClaims(claims, At(kIssued)));
  EXPECT_THAT(CheckClaims(claims, At(kExpires)), HasReason(v1::TOKEN_EXPIRED));
  EXPECT_THAT(ReadExecutionToken(Altered(R"("jti":"a)", R"("jti":["a"],"x":"a)"), keys_),
              HasReason(v1::TOKEN_INVALID));
  EXPECT_THAT(ReadExecutionToken(Issue(Claims()), KeySet()), HasReason(v1::TOKEN_INVALID));
}

TEST_F(ExecutionTokenTest, IssuesNothingThatIsIncomplete) {
  ExecutionClaims claims = Claims();
  claims.issuer.clear();
  const auto token = IssueExecutionToken(key_, claims);
  EXPECT_THAT(token, HasReason(v1::INTERNAL));
  EXPECT_THAT(std::string(token.status().message()), HasSubstr("iss"));
  EXPECT_THAT(IssueExecutionToken(key_, ExecutionClaims()), HasReason(v1::INTERNAL));
  claims = Claims();
  claims.proposal = "\xff";
  EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INTERNAL));
  claims = Claims();
  claims.expire_time = claims.issue_time;
  EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INTERNAL));
  claims.expire_time = absl::InfiniteFuture();
  EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INTERNAL));
}

TEST_F(ExecutionTokenTest, HoldsAsManyArtifactsAsAnActionMayHave) {
  ExecutionClaims claims = Claims();
  claims.artifacts.assign(64, digest::Sha256("one"));
  EXPECT_OK(Verify(Issue(claims)));
  claims.artifacts.assign(1000, digest::Sha256("one"));
  EXPECT_THAT(IssueExecutionToken(key_, claims), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::jws
