// exec: its parts, and the whole against a mock of the client.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/cli/exec/child.h"
#include "client/cli/exec/child_environment.h"
#include "client/cli/exec/execution.h"
#include "client/cli/exec/private_directory.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/signal_relay.h"
#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/certificate.h"
#include "core/jws/execution_token.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign::cli {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOkAndHolds;
using countersign::testing::StatusIs;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::Return;

const char* Variable(const char* name) {
  const std::string text = name;
  if (text == "HOME") return "/home/ci";
  if (text == "SECRET") return "s3cret";
  if (text == "PGPASSFILE") return "/etc/pgpass";
  if (text == "LD_PRELOAD") return "/tmp/evil.so";
  return nullptr;
}

TEST(ChildEnvironmentTest, IsBuiltFromNothing) {
  EXPECT_THAT(BuildEnvironment({{"PGHOST", "db"}}, {"PGPASSFILE"}, "/bin", Variable),
              IsOkAndHolds(ElementsAre(Pair("HOME", "/home/ci"), Pair("PATH", "/bin"), Pair("PGHOST", "db"),
                                       Pair("PGPASSFILE", "/etc/pgpass"))));
}

TEST(ChildEnvironmentTest, RefusesWhatChangesWhatRuns) {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "IFS", "BASH_ENV", "ENV", "PYTHONPATH",
                           "PERL5LIB", "NODE_OPTIONS", "BASH_FUNC_ls%%", "GLIBC_TUNABLES", "A=B", "", "1A"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(BuildEnvironment({{name, "x"}}, {}, "/bin", Variable),
                StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(BuildEnvironment({}, {name}, "/bin", Variable), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(ChildEnvironmentTest, ThePassedMustBeSetAndMustNotOverrideTheApproved) {
  EXPECT_THAT(BuildEnvironment({}, {"UNSET"}, "/bin", Variable),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(BuildEnvironment({{"SECRET", "approved"}}, {"SECRET"}, "/bin", Variable),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CheckCommandTest, AcceptsOnlyExactlyTheApprovedArguments) {
  v1::Action action;
  for (const char* argument : {"psql", "-f", "fix.sql"}) action.add_argv(argument);
  EXPECT_OK(CheckCommand({}, action));
  EXPECT_OK(CheckCommand({"psql", "-f", "fix.sql"}, action));
  for (const std::vector<std::string>& other : {std::vector<std::string>{"psql"},
                                                {"psql", "-f", "other.sql"},
                                                {"psql", "-f", "fix.sql", ""},
                                                {"psql -f fix.sql"}}) {
    EXPECT_THAT(CheckCommand(other, action), HasReason(v1::DIGEST_MISMATCH));
  }
}

class ProgramTest : public ::testing::Test {
 protected:
  std::string Make(const std::string& name, mode_t mode, const std::string& content = "#!/bin/sh\nexit 0\n") {
    const std::string path = directory_.Write(name, content);
    chmod(path.c_str(), mode);
    return path;
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(ProgramTest, FindsTheSystemsPrograms) {
  const auto program = OpenProgram("sh", std::string(kProgramPath));
  ASSERT_OK(program);
  EXPECT_FALSE(program->is_script());
  EXPECT_THAT(OpenProgram("no-such-program", std::string(kProgramPath)),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ProgramTest, AcceptsAPrivateScriptAndKnowsItIsOne) {
  const auto program = OpenProgram(Make("run", 0755), "/bin");
  ASSERT_OK(program);
  EXPECT_TRUE(program->is_script());
}

TEST_F(ProgramTest, RefusesWhatOthersCanWriteTo) {
  EXPECT_THAT(OpenProgram(Make("group", 0775), "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(OpenProgram(Make("all", 0757), "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  const std::string fine = Make("fine", 0755);
  chmod(directory_.path().c_str(), 0777);
  EXPECT_THAT(OpenProgram(fine, "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  chmod(directory_.path().c_str(), 0700);
  EXPECT_OK(OpenProgram(fine, "/bin"));
}

TEST_F(ProgramTest, FollowsLinksAndChecksWhereTheyLead) {
  const std::string link = directory_ / "link";
  ASSERT_EQ(symlink(Make("writable", 0777).c_str(), link.c_str()), 0);
  EXPECT_THAT(OpenProgram(link, "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  const std::string loop = directory_ / "loop";
  ASSERT_EQ(symlink("loop", loop.c_str()), 0);
  EXPECT_THAT(OpenProgram(loop, "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ProgramTest, RefusesWhatIsNoProgram) {
  EXPECT_THAT(OpenProgram(Make("data", 0644), "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(OpenProgram(directory_.path(), "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(OpenProgram("./run", "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(OpenProgram("", "/bin"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(OpenProgram("sh", "bin:/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ProgramTest, ChecksTheInterpreterToo) {
  const std::string evil = Make("evil", 0777,
                                "\x7f"
                                "ELF");
  EXPECT_THAT(OpenProgram(Make("script", 0755, "#!" + evil + "\n"), "/bin"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(OpenProgram(Make("relative", 0755, "#!sh\n"), "/bin"),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(ProgramTest, RefusesAnotherUsersProgram) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const std::string path = Make("theirs", 0755);
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_THAT(OpenProgram(path, "/bin"), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(PrivateDirectoryTest, KeepsFilesToItselfAndCleansUp) {
  const testing::TemporaryDirectory base;
  std::string path;
  {
    auto directory = PrivateDirectory::Create(base.path());
    ASSERT_OK(directory);
    path = directory->path();
    struct stat facts;
    ASSERT_EQ(stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0700u);
    const auto fill = [](const auto& sink) { return sink("SELECT 1;"); };
    EXPECT_OK(directory->Write("fix.sql", fill));
    EXPECT_THAT(directory->DigestOf("fix.sql"), IsOkAndHolds(digest::Sha256("SELECT 1;")));
    ASSERT_EQ(stat((path + "/fix.sql").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0500u);
    EXPECT_FALSE(directory->Write("fix.sql", fill).ok()) << "never replaces";
    for (const char* name : {"../x", "a/b", ".hidden", "-rf", "", "a\nb"}) {
      EXPECT_THAT(directory->Write(name, fill), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    }
    ASSERT_EQ(symlink("/etc/passwd", (path + "/planted").c_str()), 0);
    EXPECT_FALSE(directory->Write("planted", fill).ok()) << "never follows";
    EXPECT_FALSE(directory->DigestOf("planted").ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(RunCommandTest, ForwardsSignalsToTheChildAndGivesItsExitCode) {
  const testing::TemporaryDirectory directory;
  const std::string ready = directory / "ready";
  const std::string hold = directory / "hold";
  ASSERT_EQ(mkfifo(ready.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(hold.c_str(), 0600), 0);
  // In a process of its own, because the relay takes the signals away from all of it.
  const pid_t runner = fork();
  if (runner == 0) {
    SignalRelay relay;
    const auto program = OpenProgram("sh", std::string(kProgramPath));
    const std::string script = "trap 'exit 42' USR1; echo > " + ready + "; read line < " + hold;
    _exit(RunCommand({*program, {"sh", "-c", script}, {}, directory.path()}, relay).exit_code);
  }
  std::ifstream(ready).get();  // Opens once the trap is set.
  kill(runner, SIGUSR1);
  int status = 0;
  ASSERT_EQ(waitpid(runner, &status, 0), runner);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(RunCommandTest, GivesTheChildNothingButThreeDescriptorsAndTheEnvironment) {
  const testing::TemporaryDirectory directory;
  const int leaked = open("/dev/null", O_RDONLY);  // Not closed on exec.
  SignalRelay relay;
  const auto program = OpenProgram("sh", std::string(kProgramPath));
  ASSERT_OK(program);
  const std::string script =
      "test ! -e /proc/$$/fd/" + std::to_string(leaked) + " && test \"$(env | grep -c SECRET)\" = 0";
  setenv("SECRET", "s3cret", 1);
  const Outcome outcome = RunCommand(
      {*program, {"sh", "-c", script}, {{"PATH", std::string(kProgramPath)}}, directory.path()}, relay);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.problem;
  close(leaked);
}

// The whole of exec, with a real token and real programs.
class ExecTest : public ::testing::Test {
 protected:
  ExecTest() {
    line_.variables = {{"COUNTERSIGN_JWKS_FILE", directory_.Write("jwks.json", jws::KeySet({key_}).ToJwks())},
                       {"COUNTERSIGN_ISSUER", "https://broker.test"},
                       {"COUNTERSIGN_CERTIFICATE_FILE", certificate_.certificate_path},
                       {"TMPDIR", directory_.path()},
                       {"SECRET", "s3cret"}};
    proposal_.set_name("proposals/abcdefghijklmnopqrstuvwx");
    proposal_.set_state(v1::Proposal::APPROVED);
    proposal_.mutable_action()->set_kind(v1::COMMAND);
    proposal_.mutable_action()->set_target("targets/x");
    auto* artifact = proposal_.mutable_action()->add_artifacts();
    artifact->set_digest(digest::Sha256(script_));
    artifact->set_file_name("job");
    Runs({"./job", "one"});
  }

  void Runs(const std::vector<std::string>& argv) {
    proposal_.mutable_action()->clear_argv();
    for (const std::string& argument : argv) proposal_.mutable_action()->add_argv(argument);
  }

  std::string Token(const std::string& action_digest) {
    jws::ExecutionClaims claims;
    claims.issuer = claims.audience = "https://broker.test";
    claims.subject = jws::SubjectOf("production", "targets/x", "command");
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
    claims.kind = "command";
    claims.approvers = {"spiffe://example.org/human/alice"};
    claims.policy_digest = digest::Sha256("policy");
    return *jws::IssueExecutionToken(key_, claims);
  }

  // Everything that the broker does until the token is redeemed.
  void BrokerIsReady() {
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

  void ExpectRefusal(const std::vector<std::string>& arguments = {"exec", "abcdefghijklmnopqrstuvwx"}) {
    EXPECT_CALL(*line_.client, Redeem(_, _)).Times(0);
    EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
    EXPECT_EQ(line_.Run(arguments), 125);
    EXPECT_THAT(line_.err.str(), HasSubstr("error: "));
    EXPECT_FALSE(std::filesystem::exists(marker_));
  }

  testing::TemporaryDirectory directory_;
  testing::TestCa ca_;
  testing::Certificate certificate_ = ca_.IssueClient("spiffe://example.org/workload/ci");
  testing::Certificate holder_ = certificate_;
  jws::SigningKey key_ = *jws::SigningKey::Generate();
  testing::CommandLine line_;
  const std::string marker_ = directory_ / "it-ran";
  const std::string script_ =
      "#!/bin/sh\necho \"$1 $SECRET $EXTRA\" > " + marker_ + "; pwd >> " + marker_ + "; exit 7\n";
  std::string downloaded_ = script_;
  std::string token_digest_;
  v1::Proposal proposal_;
};

TEST_F(ExecTest, RunsTheApprovedBytesAndReportsTheExitCode) {
  (*proposal_.mutable_action()->mutable_environment())["EXTRA"] = "extra";
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _))
      .WillOnce([](const v1::ReportExecutionRequest& report, const CallOptions&) {
        EXPECT_EQ(report.exit_code(), 7);
        EXPECT_EQ(report.execution_id(), "execution");
        EXPECT_FALSE(report.request_id().empty());
        return v1::Proposal();
      });
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx", "--", "./job", "one"}), 7) << line_.err.str();
  const std::string output = testing::ReadFile(marker_);
  EXPECT_THAT(output, HasSubstr("one  extra\n")) << "SECRET was not passed";
  const std::string private_directory = output.substr(output.find('\n') + 1);
  EXPECT_THAT(private_directory, HasSubstr("countersign-exec-"));
  EXPECT_FALSE(std::filesystem::exists(private_directory.substr(0, private_directory.size() - 1)));
}

TEST_F(ExecTest, PassesVariablesOfTheRunnerThatItNames) {
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _)).WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx", "--pass-env", "SECRET"}), 7);
  EXPECT_THAT(testing::ReadFile(marker_), HasSubstr("one s3cret"));
}

TEST_F(ExecTest, ReportsASignalAs128AndMore) {
  Runs({"sh", "-c", "kill -TERM $$"});
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(::testing::Property(&v1::ReportExecutionRequest::exit_code, 143), _))
      .WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 143);
}

TEST_F(ExecTest, KeepsTryingToReportWithOneRequestId) {
  BrokerIsReady();
  std::vector<std::string> ids;
  EXPECT_CALL(*line_.client, Report(_, _))
      .Times(3)
      .WillRepeatedly(
          [&](const v1::ReportExecutionRequest& report, const CallOptions&) -> absl::StatusOr<v1::Proposal> {
            ids.push_back(report.request_id());
            if (ids.size() < 3) return absl::UnavailableError("down");
            return v1::Proposal();
          });
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 7);
  EXPECT_EQ(ids[0], ids[2]);
}

TEST_F(ExecTest, RefusesWhatIsNotApproved) {
  proposal_.set_state(v1::Proposal::DENIED);
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, AWaitThatTimesOutRunsNothing) {
  ON_CALL(*line_.client, Wait(_, _)).WillByDefault(Return(absl::DeadlineExceededError("still PENDING")));
  ExpectRefusal({"exec", "abcdefghijklmnopqrstuvwx", "--timeout", "1s"});
}

TEST_F(ExecTest, RefusesAnotherCommandThanTheApproved) {
  BrokerIsReady();
  ExpectRefusal({"exec", "abcdefghijklmnopqrstuvwx", "--", "./job", "two"});
}

TEST_F(ExecTest, RefusesOtherBytesThanTheApproved) {
  downloaded_ = script_ + "#";
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesATokenForAnotherDigest) {
  token_digest_ = digest::Sha256("something else");
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesATokenOfAnotherKeyHolderOrIssuer) {
  holder_ = ca_.IssueClient("spiffe://example.org/workload/other");
  BrokerIsReady();
  ExpectRefusal();
  holder_ = certificate_;
  key_ = *jws::SigningKey::Generate();
  BrokerIsReady();
  ExpectRefusal();
  line_.variables["COUNTERSIGN_ISSUER"] = "https://elsewhere.test";
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesWithoutPinnedKeys) {
  line_.variables.erase("COUNTERSIGN_JWKS_FILE");
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesAnApprovedEnvironmentThatChangesWhatRuns) {
  (*proposal_.mutable_action()->mutable_environment())["LD_PRELOAD"] = "/tmp/x.so";
  BrokerIsReady();
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesPlansForNow) {
  proposal_.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  BrokerIsReady();
  ExpectRefusal();
}

}  // namespace
}  // namespace countersign::cli
