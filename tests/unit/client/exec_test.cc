// exec: its parts, and the whole against a mock of the client.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "client/cli/exec/child.h"
#include "client/cli/exec/child_environment.h"
#include "client/cli/exec/execution.h"
#include "client/cli/exec/lease.h"
#include "client/cli/exec/leftovers.h"
#include "client/cli/exec/private_directory.h"
#include "client/cli/exec/program.h"
#include "client/cli/exec/signal_relay.h"
#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/certificate.h"
#include "core/jws/execution_token.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"
#include "tests/unit/client/exec_fixture.h"

namespace countersign::cli {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOkAndHolds;
using countersign::testing::StatusIs;
using ::testing::_;
using ::testing::AllOf;
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
              IsOkAndHolds(ElementsAre(Pair("LANG", "C.UTF-8"), Pair("PATH", "/bin"), Pair("PGHOST", "db"),
                                       Pair("PGPASSFILE", "/etc/pgpass"))));
}

TEST(ChildEnvironmentTest, OnlyTheRunnerLeadsToOtherConfiguration) {
  EXPECT_THAT(BuildEnvironment({}, {"HOME"}, "/bin", Variable),
              IsOkAndHolds(::testing::Contains(Pair("HOME", "/home/ci"))));
  for (const char* name : {"HOME", "KUBECONFIG", "GIT_SSH_COMMAND", "PSQLRC", "https_proxy"}) {
    EXPECT_THAT(BuildEnvironment({{name, "x"}}, {}, "/bin", Variable),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
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
    auto directory = PrivateDirectory::Create(base.path(), "private");
    ASSERT_OK(directory);
    EXPECT_FALSE(PrivateDirectory::Create(base.path(), "private").ok()) << "never takes what is there";
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

TEST(PrivateDirectoryTest, RefusesABaseWhereOthersCanPutAnotherInItsPlace) {
  const testing::TemporaryDirectory top;
  const std::string base = top / "base";
  ASSERT_EQ(mkdir(base.c_str(), 0700), 0);
  const auto create = [](const std::string& in) { return PrivateDirectory::Create(in, "private").status(); };
  EXPECT_OK(create(base));
  for (const std::string& shared : {base, top.path().string()}) {
    for (const mode_t mode : {0777, 0770, 0702}) {
      ASSERT_EQ(chmod(shared.c_str(), mode), 0);
      const absl::Status status = create(base);
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kPermissionDenied)) << shared << " " << std::oct << mode;
      EXPECT_THAT(text::MessageOf(status), AllOf(HasSubstr(shared), HasSubstr("set TMPDIR to")));
    }
    ASSERT_EQ(chmod(shared.c_str(), 01777), 0);
    EXPECT_OK(create(base)) << "others can only add there";
    ASSERT_EQ(chmod(shared.c_str(), 0700), 0);
  }
  const std::string link = top / "link";
  ASSERT_EQ(symlink(base.c_str(), link.c_str()), 0);
  EXPECT_OK(create(link));
  ASSERT_EQ(chmod(base.c_str(), 0777), 0);
  EXPECT_THAT(create(link), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(create(top / "missing").ok());
  EXPECT_FALSE(create("relative").ok());
}

TEST(PrivateDirectoryTest, RefusesABaseOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const testing::TemporaryDirectory base;
  ASSERT_EQ(chown(base.path().c_str(), 12345, 12345), 0);
  EXPECT_THAT(PrivateDirectory::Create(base.path(), "private"),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

class LeftoverTest : public ::testing::Test {
 protected:
  // A runner in another process that waits to be killed.
  void StartRunner(const std::string& name) {
    path_ = directory_ / name;
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    runner_ = fork();
    if (runner_ == 0) {
      const auto directory = PrivateDirectory::Create(directory_.path(), name);
      if (!directory.ok() || mkdir((path_ + "/.terraform").c_str(), 0700) != 0) _exit(1);
      std::ofstream(path_ + "/approved.tfplan") << "plan";
      (void)!write(ready[1], "r", 1);
      pause();
      _exit(1);
    }
    close(ready[1]);
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
  }
  // What it leaves behind without a chance to clean up.
  std::string KillRunner() {
    EXPECT_EQ(kill(runner_, SIGKILL), 0);
    EXPECT_EQ(waitpid(runner_, nullptr, 0), runner_);
    EXPECT_TRUE(std::filesystem::exists(path_ + "/approved.tfplan"));
    return path_;
  }
  std::string Leftover(const std::string& name = "countersign-exec-1") {
    StartRunner(name);
    return KillRunner();
  }
  bool IsRemoved(const std::string& path) {
    RemoveLeftovers(directory_.path());
    return !std::filesystem::exists(std::filesystem::symlink_status(path));
  }

  testing::TemporaryDirectory directory_;
  std::string path_;
  pid_t runner_ = -1;
};

TEST_F(LeftoverTest, IsRemovedOnceItsRunnerIsKilled) {
  StartRunner("countersign-exec-1");
  EXPECT_FALSE(IsRemoved(path_)) << "its runner lives";
  EXPECT_TRUE(std::filesystem::exists(path_ + "/approved.tfplan"));
  EXPECT_TRUE(IsRemoved(KillRunner()));
}

TEST_F(LeftoverTest, IsKeptWhenItIsNotCertainToBeOne) {
  const std::string open = Leftover("countersign-exec-open");
  ASSERT_EQ(chmod(open.c_str(), 0750), 0);
  const std::string another = Leftover("another-exec-1");
  const std::string dotted = Leftover("countersign-exec-1.old");
  const std::string elsewhere = Leftover("elsewhere");
  std::filesystem::create_directory_symlink(elsewhere, directory_ / "countersign-exec-link");
  directory_.Write("countersign-exec-file", "1");
  RemoveLeftovers(directory_.path());
  for (const std::string& kept : {open, another, dotted, elsewhere}) {
    EXPECT_TRUE(std::filesystem::exists(kept + "/approved.tfplan")) << kept;
  }
  EXPECT_TRUE(std::filesystem::exists(directory_ / "countersign-exec-file"));
}

TEST_F(LeftoverTest, IsKeptWhereOthersCouldPutAnotherInItsPlace) {
  const std::string leftover = Leftover();
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  EXPECT_FALSE(IsRemoved(leftover));
}

TEST_F(LeftoverTest, LinksInItAreNotFollowed) {
  const std::string leftover = Leftover();
  const std::string precious = directory_.Write("precious", "1");
  std::filesystem::create_directory(directory_ / "store");
  directory_.Write("store/precious", "1");
  std::filesystem::create_symlink(precious, leftover + "/file");
  std::filesystem::create_directory_symlink(directory_ / "store", leftover + "/directory");
  EXPECT_TRUE(IsRemoved(leftover));
  EXPECT_TRUE(std::filesystem::exists(precious));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "store/precious"));
}

TEST_F(LeftoverTest, OfAnotherUserIsKept) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const std::string leftover = Leftover();
  ASSERT_EQ(chown(leftover.c_str(), 12345, 12345), 0);
  EXPECT_FALSE(IsRemoved(leftover));
}

class RunCommandTest : public ::testing::Test {
 protected:
  // Runs it in `directory`, which it opens.
  Outcome Run(const Program& program, const std::vector<std::string>& argv, const std::string& directory) {
    const Descriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    SignalRelay relay;
    return RunCommand({program, argv, {{"PATH", std::string(kProgramPath)}}, opened.get()}, relay);
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(RunCommandTest, RunsTheFilesOfTheDescriptorAndNotOfThePath) {
  for (const bool is_script : {true, false}) {
    SCOPED_TRACE(is_script);
    auto directory = PrivateDirectory::Create(directory_.path(), "private");
    ASSERT_OK(directory);
    const std::string shell = testing::ReadFile("/bin/sh");
    ASSERT_OK(directory->Write(
        "job", [&](const auto& sink) { return sink(is_script ? "#!/bin/sh\nexit 7\n" : shell); }));
    ASSERT_OK(directory->Write("data", [](const auto& sink) { return sink("exit 7"); }));
    const auto program = OpenArtifact(*directory, "job");
    ASSERT_OK(program);
    EXPECT_EQ(program->is_script(), is_script);
    // Somebody puts another directory in its place.
    std::filesystem::rename(directory->path(), directory_ / "away");
    std::filesystem::create_directory(directory->path());
    for (const char* name : {"private/job", "private/data"}) {
      chmod(directory_.Write(name, "#!/bin/sh\nexit 66\n").c_str(), 0755);
    }
    SignalRelay relay;
    const Outcome outcome = RunCommand({*program, {"./job", "./data"}, {}, directory->descriptor()}, relay);
    EXPECT_EQ(outcome.exit_code, 7) << outcome.problem;
    std::filesystem::remove_all(directory_ / "away");
  }
}

TEST_F(RunCommandTest, GivesTheChildNothingToReadAndAMaskOfItsOwn) {
  const auto program = OpenProgram("sh", std::string(kProgramPath));
  ASSERT_OK(program);
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  ASSERT_EQ(write(pipe_ends[1], "exit 66\n", 8), 8);
  const Descriptor reader(pipe_ends[0]), writer(pipe_ends[1]), own_input(dup(STDIN_FILENO));
  dup2(reader.get(), STDIN_FILENO);
  const mode_t own_mask = umask(0);
  const Outcome piped = Run(*program, {"sh"}, directory_.path());
  const Outcome masked = Run(*program, {"sh", "-c", "umask | grep -qx 0077 && > made"}, directory_.path());
  umask(own_mask);
  dup2(own_input.get(), STDIN_FILENO);
  EXPECT_EQ(piped.exit_code, 0) << "it ran what came through standard input";
  EXPECT_EQ(masked.exit_code, 0);
  struct stat facts;
  ASSERT_EQ(stat((directory_ / "made").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(RunCommandTest, WhatTheProgramKeepsOutlivesItsRunner) {
  const auto program = OpenProgram("sh", std::string(kProgramPath));
  ASSERT_OK(program);
  const std::string kept = directory_ / "countersign-exec-1";
  const pid_t runner = fork();
  if (runner == 0) {
    const auto directory = PrivateDirectory::Create(directory_.path(), "countersign-exec-1");
    if (!directory.ok()) _exit(1);
    SignalRelay relay;
    Command command{*program,
                    {"sh", "-c", "echo $$ >pid && mv pid ready && exec sleep 1000"},
                    {},
                    directory->descriptor()};
    command.kept = directory->descriptor();
    RunCommand(command, relay);
    _exit(1);
  }
  while (!std::filesystem::exists(kept + "/ready")) std::this_thread::yield();
  const pid_t started = std::stoi(testing::ReadFile(kept + "/ready"));
  ASSERT_EQ(kill(runner, SIGKILL), 0);
  ASSERT_EQ(waitpid(runner, nullptr, 0), runner);
  RemoveLeftovers(directory_.path());
  EXPECT_TRUE(std::filesystem::exists(kept + "/ready"));
  ASSERT_EQ(kill(started, SIGKILL), 0);
  while (std::filesystem::exists(kept)) RemoveLeftovers(directory_.path());
}

TEST_F(RunCommandTest, ForwardsSignalsToTheChildAndGivesItsExitCode) {
  const std::string ready = directory_ / "ready";
  const std::string hold = directory_ / "hold";
  ASSERT_EQ(mkfifo(ready.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(hold.c_str(), 0600), 0);
  // In a process of its own, because the relay takes the signals away from all of it.
  const pid_t runner = fork();
  if (runner == 0) {
    const auto program = OpenProgram("sh", std::string(kProgramPath));
    const std::string script = "trap 'exit 42' USR1; echo > " + ready + "; read line < " + hold;
    _exit(Run(*program, {"sh", "-c", script}, directory_.path()).exit_code);
  }
  std::ifstream(ready).get();  // Opens once the trap is set.
  kill(runner, SIGUSR1);
  int status = 0;
  ASSERT_EQ(waitpid(runner, &status, 0), runner);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST_F(RunCommandTest, GivesTheChildNothingButThreeDescriptorsAndTheEnvironment) {
  const int leaked = open("/dev/null", O_RDONLY);  // Not closed on exec.
  const auto program = OpenProgram("sh", std::string(kProgramPath));
  ASSERT_OK(program);
  const std::string script =
      "test ! -e /proc/$$/fd/" + std::to_string(leaked) + " && test \"$(env | grep -c SECRET)\" = 0";
  setenv("SECRET", "s3cret", 1);
  const Outcome outcome = Run(*program, {"sh", "-c", script}, directory_.path());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.problem;
  close(leaked);
}

// Commands, with real programs.
class ExecTest : public testing::ExecFixture {
 protected:
  ExecTest() {
    downloaded_ = script_;
    proposal_.mutable_action()->set_kind(v1::COMMAND);
    auto* artifact = proposal_.mutable_action()->add_artifacts();
    artifact->set_digest(digest::Sha256(script_));
    artifact->set_file_name("job");
    Runs({"./job", "one"});
  }

  void Runs(const std::vector<std::string>& argv) {
    proposal_.mutable_action()->clear_argv();
    for (const std::string& argument : argv) proposal_.mutable_action()->add_argv(argument);
  }

  void ExpectRefusal(const std::vector<std::string>& arguments = {"exec", "abcdefghijklmnopqrstuvwx"}) {
    EXPECT_CALL(*line_.client, Redeem(_, _)).Times(0);
    EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
    EXPECT_EQ(line_.Run(arguments), 125);
    EXPECT_THAT(line_.err.str(), HasSubstr("error: "));
    EXPECT_FALSE(std::filesystem::exists(marker_));
  }

  const std::string marker_ = directory_ / "it-ran";
  const std::string script_ =
      "#!/bin/sh\necho \"$1 $SECRET $EXTRA\" > " + marker_ + "; pwd >> " + marker_ + "; exit 7\n";
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
  EXPECT_THAT(line_.err.str(), HasSubstr("exit code 7, and its approval is used up"));
  const std::string output = testing::ReadFile(marker_);
  EXPECT_THAT(output, HasSubstr("one  extra\n")) << "SECRET was not passed";
  const std::string private_directory = output.substr(output.find('\n') + 1);
  EXPECT_THAT(private_directory, HasSubstr("countersign-exec-"));
  EXPECT_FALSE(std::filesystem::exists(private_directory.substr(0, private_directory.size() - 1)));
}

TEST_F(ExecTest, RemovesWhatAKilledRunnerLeftBehind) {
  const std::string leftover = directory_ / "countersign-exec-1";
  {
    const auto made = PrivateDirectory::Create(directory_.path(), "away");
    ASSERT_OK(made);
    std::filesystem::rename(made->path(), leftover);
  }
  ASSERT_TRUE(std::filesystem::exists(leftover));
  ON_CALL(*line_.client, GetProposal(_, _)).WillByDefault(Return(error::Make(v1::NOT_FOUND, "no")));
  ON_CALL(*line_.client, Wait(_, _)).WillByDefault(Return(error::Make(v1::NOT_FOUND, "no")));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 125);
  EXPECT_FALSE(std::filesystem::exists(leftover));
}

TEST_F(ExecTest, PassesVariablesOfTheRunnerThatItNames) {
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _)).WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx", "--pass-env", "SECRET"}), 7);
  EXPECT_THAT(testing::ReadFile(marker_), HasSubstr("one s3cret"));
}

TEST_F(ExecTest, TheProgramsHomeIsItsPrivateDirectoryUnlessTheRunnerPassesItsOwn) {
  Runs({"sh", "-c", "echo \"$HOME $TERM $TZ $USER $LANG\" > " + marker_});
  for (const char* name : {"HOME", "TERM", "TZ", "USER", "LANG"}) line_.variables[name] = "runners";
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _)).WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 0) << line_.err.str();
  EXPECT_THAT(testing::ReadFile(marker_),
              ::testing::MatchesRegex(directory_.path().string() + "/countersign-exec-[^ /]+    C.UTF-8\n"));
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _)).WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx", "--pass-env", "HOME"}), 0) << line_.err.str();
  EXPECT_EQ(testing::ReadFile(marker_), "runners    C.UTF-8\n");
}

TEST_F(ExecTest, RefusesADirectoryThatOthersCanWriteTo) {
  BrokerIsReady();
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  ExpectRefusal();
  EXPECT_THAT(line_.err.str(), HasSubstr("set TMPDIR to a directory that only you can write to"));
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

TEST_F(ExecTest, WaitsForItsTurnAndClaimsAgain) {
  proposal_.mutable_approval_expire_time()->set_seconds(
      absl::ToUnixSeconds(line_.environment.Now() + absl::Hours(1)));
  BrokerIsReady();
  v1::ListProposalsResponse holders;
  holders.add_proposals()->set_name("proposals/holder");
  holders.mutable_proposals(0)->set_state(v1::Proposal::EXECUTING);
  ON_CALL(*line_.client, ListProposals(_, _)).WillByDefault(Return(holders));
  EXPECT_CALL(*line_.client, Wait("proposals/abcdefghijklmnopqrstuvwx", _));
  EXPECT_CALL(*line_.client, Wait("proposals/holder", _))
      .WillOnce([](const std::string&, const WaitOptions& options) {
        EXPECT_EQ(options.while_state, v1::Proposal::EXECUTING);
        EXPECT_LE(options.timeout, absl::Minutes(10));
        return v1::Proposal();
      });
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(2);
  EXPECT_CALL(*line_.client, Redeem(_, _))
      .WillOnce(Return(error::Make(v1::TARGET_BUSY, "another execution holds targets/x")))
      .WillOnce(::testing::DoDefault());
  EXPECT_CALL(*line_.client, Report(_, _)).WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx", "--timeout", "10m"}), 7);
  EXPECT_THAT(line_.err.str(), HasSubstr("proposals/holder is EXECUTING on targets/x; waiting for its end"));
}

TEST_F(ExecTest, RefusesWhenItsTurnDoesNotCome) {
  proposal_.mutable_approval_expire_time()->set_seconds(
      absl::ToUnixSeconds(line_.environment.Now() + absl::Hours(1)));
  BrokerIsReady();
  v1::ListProposalsResponse holders;
  holders.add_proposals()->set_name("proposals/holder");
  holders.mutable_proposals(0)->set_state(v1::Proposal::AMBIGUOUS);
  ON_CALL(*line_.client, ListProposals(_, _)).WillByDefault(Return(holders));
  EXPECT_CALL(*line_.client, Wait("proposals/abcdefghijklmnopqrstuvwx", _));
  EXPECT_CALL(*line_.client, Wait("proposals/holder", _))
      .WillOnce(Return(absl::DeadlineExceededError("still AMBIGUOUS")));
  EXPECT_CALL(*line_.client, Redeem(_, _))
      .WillOnce(Return(error::Make(v1::TARGET_BUSY, "another execution holds targets/x")));
  EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 125);
  EXPECT_THAT(line_.err.str(), HasSubstr("another execution holds targets/x"));
  EXPECT_FALSE(std::filesystem::exists(marker_));
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

TEST_F(ExecTest, ClaimsNothingWithOptionsThatAreForPlans) {
  for (const std::vector<std::string>& option :
       {std::vector<std::string>{"--replan"}, {"--chdir", "/tmp"}, {"--terraform", "tofu"}}) {
    BrokerIsReady();
    EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
    std::vector<std::string> arguments = {"exec", "abcdefghijklmnopqrstuvwx"};
    arguments.insert(arguments.end(), option.begin(), option.end());
    ExpectRefusal(arguments);
    EXPECT_THAT(line_.err.str(), HasSubstr("are for saved plans"));
  }
}

TEST_F(ExecTest, ClaimsNothingForAnotherCommand) {
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
  ExpectRefusal({"exec", "abcdefghijklmnopqrstuvwx", "--", "./job", "two"});
  EXPECT_THAT(line_.err.str(), HasSubstr("argument 1 is two, and approved was one"));
}

TEST_F(ExecTest, ClaimsNothingForOtherBytes) {
  downloaded_ = script_ + "#";
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesATokenForSomethingElseOfTheSameDigest) {
  const std::function<void(jws::ExecutionClaims*)> cases[] = {
      [](jws::ExecutionClaims* claims) { claims->proposal = "proposals/aaaaaaaaaaaaaaaaaaaaaaaa"; },
      [](jws::ExecutionClaims* claims) {
        claims->target = "targets/y";
        claims->subject = jws::SubjectOf("production", "targets/y", "command");
      },
      [](jws::ExecutionClaims* claims) {
        claims->kind = "terraform_plan";
        claims->subject = jws::SubjectOf("production", "targets/x", "terraform_plan");
      },
      [](jws::ExecutionClaims* claims) { claims->artifacts.clear(); },
      [](jws::ExecutionClaims* claims) { claims->audience = "https://elsewhere.test"; },
      [](jws::ExecutionClaims* claims) { claims->issuer = "https://elsewhere.test"; },
  };
  for (const auto& spoil : cases) {
    spoil_ = spoil;
    BrokerIsReady();
    ExpectRefusal();
  }
}

TEST_F(ExecTest, RefusesAnEnvironmentThatIsNotTheApproved) {
  proposal_.set_action_digest(*digest::ActionDigest(proposal_.action()));
  BrokerIsReady();
  v1::Proposal other = proposal_;
  (*other.mutable_action()->mutable_environment())["EXTRA"] = "extra";
  ON_CALL(*line_.client, Wait(_, _)).WillByDefault(Return(other));
  ExpectRefusal();
}

TEST_F(ExecTest, RefusesTheAnswerForAnotherProposal) {
  BrokerIsReady();
  v1::Proposal other = proposal_;
  other.set_name("proposals/aaaaaaaaaaaaaaaaaaaaaaaa");
  ON_CALL(*line_.client, Wait(_, _)).WillByDefault(Return(other));
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
  ExpectRefusal();
}

TEST_F(ExecTest, RunsNothingWhereverTheBrokerIsLost) {
  const absl::Status lost = absl::UnavailableError("connection refused");
  const std::function<void(MockClient*)> steps[] = {
      [&](MockClient* client) { ON_CALL(*client, Wait(_, _)).WillByDefault(Return(lost)); },
      [&](MockClient* client) { ON_CALL(*client, DownloadArtifact(_, _, _, _)).WillByDefault(Return(lost)); },
      [&](MockClient* client) { ON_CALL(*client, Claim(_, _)).WillByDefault(Return(lost)); },
      [&](MockClient* client) { ON_CALL(*client, Redeem(_, _)).WillByDefault(Return(lost)); },
  };
  for (const auto& lose : steps) {
    BrokerIsReady();
    lose(line_.client);
    EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
    EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 125);
    EXPECT_THAT(line_.err.str(), HasSubstr("connection refused"));
    EXPECT_FALSE(std::filesystem::exists(marker_));
  }
}

TEST_F(ExecTest, ReportsThatWhatCannotBeStartedNeverRan) {
  downloaded_ = "\x7f\x45LF is how programs begin";
  proposal_.mutable_action()->mutable_artifacts(0)->set_digest(digest::Sha256(downloaded_));
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Report(_, _))
      .WillOnce([](const v1::ReportExecutionRequest& report, const CallOptions&) {
        EXPECT_EQ(report.exit_code(), 126);
        EXPECT_THAT(report.start_failure(), HasSubstr("Exec format error"));
        return v1::Proposal();
      });
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 126);
  EXPECT_THAT(line_.err.str(), HasSubstr("it was never started, and its approval is used up"));
}

TEST_F(ExecTest, RunsNothingWithATokenThatIsSpent) {
  BrokerIsReady();
  ON_CALL(*line_.client, Redeem(_, _))
      .WillByDefault(Return(error::Make(v1::TOKEN_ALREADY_REDEEMED, "the token was spent")));
  EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 125);
  EXPECT_FALSE(std::filesystem::exists(marker_));
}

TEST_F(ExecTest, TellsThatTheLeaseIsLostAndReportsAllTheSame) {
  const std::string heard = directory_ / "heard";
  ASSERT_EQ(mkfifo(heard.c_str(), 0600), 0);
  Runs({"sh", "-c", "read line < " + heard + "; exit 3"});
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Heartbeat(_, _))
      .WillOnce([&](const v1::HeartbeatRequest& request,
                    const CallOptions&) -> absl::StatusOr<v1::HeartbeatResponse> {
        EXPECT_EQ(request.execution_id(), "execution");
        std::ofstream(heard) << "over\n";
        return error::Make(v1::WRONG_STATE, "it is AMBIGUOUS");
      });
  EXPECT_CALL(*line_.client, Report(::testing::Property(&v1::ReportExecutionRequest::exit_code, 3), _))
      .WillOnce(Return(v1::Proposal()));
  EXPECT_EQ(line_.Run({"exec", "abcdefghijklmnopqrstuvwx"}), 3);
  EXPECT_THAT(line_.err.str(), HasSubstr("the lease was lost, the program runs on: it is AMBIGUOUS"));
}

TEST(LeaseTest, IsLostOnlyWhenTheBrokerSaysSo) {
  ::testing::NiceMock<MockClient> client;
  testing::FakeEnvironment environment;
  EXPECT_CALL(client, Heartbeat(_, _))
      .WillOnce(Return(v1::HeartbeatResponse()))
      .WillOnce(Return(absl::UnavailableError("down")))
      .WillOnce(Return(error::Make(v1::DATABASE_UNAVAILABLE, "down")))
      .WillOnce(Return(error::Make(v1::NOT_FOUND, "no such execution of yours")));
  std::promise<absl::Status> lost;
  const Lease lease(client, environment, {}, absl::Seconds(20),
                    [&lost](const absl::Status& status) { lost.set_value(status); });
  EXPECT_THAT(lost.get_future().get(), HasReason(v1::NOT_FOUND));
  EXPECT_THAT(environment.sleeps(), ::testing::SizeIs(4));
  EXPECT_THAT(environment.sleeps(), ::testing::Each(absl::Seconds(20)));
}

}  // namespace
}  // namespace countersign::cli
