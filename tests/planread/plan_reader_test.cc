// The process that reads plans, as the broker starts it.
#include "server/planread/plan_reader.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/error/error.h"
#include "core/terraform/plan_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/subprocess.h"
#include "tests/support/temporary_directory.h"

namespace countersign::planread {
namespace {

using testing::HasReason;
using ::testing::HasSubstr;
using testing::ReadFile;

const std::string kSalt(32, 's');

class PlanReaderTest : public ::testing::Test {
 protected:
  // The reader with a program of this name in place of the real one.
  ProcessPlanReader With(const std::string& deed, absl::Duration time_limit = absl::Seconds(20)) {
    const std::string link = (directory_.path() / deed).string();
    std::filesystem::create_symlink(COUNTERSIGN_PLANREAD_PROBE, link);
    return ProcessPlanReader({.program = link, .salt = kSalt, .time_limit = time_limit}, &clock_);
  }
  ProcessPlanReader Real() {
    return ProcessPlanReader(
        {.program = std::string(COUNTERSIGN_BIN_DIRECTORY) + "/countersign-planread", .salt = kSalt},
        &clock_);
  }
  absl::StatusOr<v1::PlanView> Read(ProcessPlanReader reader, std::string_view bytes) {
    return reader.Read(bytes, absl::InfiniteFuture());
  }

  base::SystemClock clock_;
  testing::TemporaryDirectory directory_;
};

TEST_F(PlanReaderTest, SaysWhatThePlanSays) {
  for (const char* name : {"create", "mixed", "destroy"}) {
    SCOPED_TRACE(name);
    const std::string bytes = ReadFile(std::string(COUNTERSIGN_TEST_PLANS) + "/" + name + ".tfplan");
    const auto read = Read(Real(), bytes);
    ASSERT_OK(read);
    const auto here = terraform::ReadPlan(bytes, {.limits = {}, .salt = kSalt});
    ASSERT_OK(here);
    EXPECT_EQ(read->DebugString(), here->DebugString());
    EXPECT_GT(read->resource_changes_size(), 0);
  }
}

TEST_F(PlanReaderTest, HidesWhatItIsToldToHide) {
  const std::string bytes = ReadFile(std::string(COUNTERSIGN_TEST_PLANS) + "/mixed.tfplan");
  ProcessPlanReader::Options options{
      .program = std::string(COUNTERSIGN_BIN_DIRECTORY) + "/countersign-planread", .salt = kSalt};
  terraform::ViewOptions here{.limits = {}, .salt = kSalt};
  for (int i = 0; i < 3000; ++i) options.sensitive_attributes.push_back("aws_thing.a" + std::to_string(i));
  options.sensitive_attributes.push_back("terraform_data.input");
  for (const std::string& name : options.sensitive_attributes) here.sensitive_attributes.Add(name);
  ASSERT_OK(CheckSensitiveAttributes(options.sensitive_attributes, "setting"));
  const auto read = Read(ProcessPlanReader(options, &clock_), bytes);
  const auto expected = terraform::ReadPlan(bytes, here);
  ASSERT_OK(read);
  ASSERT_OK(expected);
  EXPECT_EQ(read->DebugString(), expected->DebugString());
  EXPECT_GT(read->masked_change_count(), Read(Real(), bytes)->masked_change_count());
}

TEST_F(PlanReaderTest, TakesNoMoreThanItCanBeTold) {
  const auto check = [](const std::vector<std::string>& names) {
    return CheckSensitiveAttributes(names, "setting");
  };
  EXPECT_OK(check({}));
  EXPECT_OK(check(std::vector<std::string>(10000, "aws_thing.content")));
  EXPECT_THAT(check(std::vector<std::string>(10001, "aws_thing.content")), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(check({"aws_thing.content", "aws_thing"}), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(check({"aws_thing.content\nx.y"}), HasReason(v1::INVALID_FIELD));
  // With the end of its line it is one byte too much.
  EXPECT_OK(check({"t." + std::string((1 << 20) - 3, 'a')}));
  EXPECT_THAT(check({"t." + std::string((1 << 20) - 2, 'a')}), HasReason(v1::INVALID_FIELD));
}

TEST_F(PlanReaderTest, RefusesThePlanWhenItIsToldNonsense) {
  ProcessPlanReader::Options options{
      .program = std::string(COUNTERSIGN_BIN_DIRECTORY) + "/countersign-planread", .salt = kSalt};
  const std::string bytes = ReadFile(std::string(COUNTERSIGN_TEST_PLANS) + "/mixed.tfplan");
  for (const std::string& name : {std::string("aws_thing"), "t." + std::string(1 << 20, 'a')}) {
    options.sensitive_attributes = {name};
    EXPECT_THAT(Read(ProcessPlanReader(options, &clock_), bytes), HasReason(v1::PLAN_UNREADABLE));
  }
}

TEST_F(PlanReaderTest, RefusesWhatIsNoPlanAndSaysWhy) {
  for (const std::string& bytes :
       {std::string(), std::string("{}"), std::string("PK\x03\x04"), std::string(1 << 20, '\0')}) {
    EXPECT_THAT(Read(Real(), bytes), HasReason(v1::PLAN_UNREADABLE));
  }
}

TEST_F(PlanReaderTest, RefusesAFileThatIsTooLarge) {
  const auto read = Read(Real(), std::string((64 << 20) + 1, 'x'));
  EXPECT_THAT(read, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("larger than plans may be"));
}

TEST_F(PlanReaderTest, IsThereAndWorks) { EXPECT_OK(Real().Check()); }

TEST_F(PlanReaderTest, SaysThatItIsNotThere) {
  ProcessPlanReader reader({.program = "/nonexistent/countersign-planread", .salt = kSalt}, &clock_);
  EXPECT_THAT(reader.Check(), HasReason(v1::INTERNAL));
  EXPECT_THAT(With("not_confined").Check(), HasReason(v1::INTERNAL));
}

TEST_F(PlanReaderTest, RefusesThePlanWhenTheReaderDies) {
  for (const char* deed : {"abort", "garbage"}) {
    SCOPED_TRACE(deed);
    EXPECT_THAT(Read(With(deed), "x"), HasReason(v1::PLAN_UNREADABLE));
  }
}

TEST_F(PlanReaderTest, RefusesThePlanWhenTheReaderTakesTooLong) {
  EXPECT_THAT(Read(With("hang", absl::Milliseconds(200)), std::string(1 << 20, 'x')),
              HasReason(v1::PLAN_UNREADABLE));
}

TEST_F(PlanReaderTest, GivesUpWhenTheCallerDoes) {
  EXPECT_THAT(With("hang").Read("x", clock_.Now() + absl::Milliseconds(200)), HasReason(v1::PLAN_UNREADABLE));
}

TEST_F(PlanReaderTest, RefusesThePlanWhenTheReaderSaysTooMuch) {
  EXPECT_THAT(Read(With("flood"), "x"), HasReason(v1::PLAN_UNREADABLE));
}

TEST_F(PlanReaderTest, ShowsNothingThatTheReaderCouldHideIn) {
  const auto read = Read(With("hostile_refusal"), "x");
  EXPECT_THAT(read, HasReason(v1::PLAN_UNREADABLE));
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("?[2Jall is ?well"));
}

TEST_F(PlanReaderTest, LeavesNoProcessBehind) {
  (void)Read(With("hang", absl::Milliseconds(100)), "x");
  (void)Read(Real(), "x");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

// What the process may not do ends it.
class ConfinementTest : public ::testing::TestWithParam<std::pair<std::string, int>> {};

TEST_P(ConfinementTest, EndsTheProcess) {
  const testing::TemporaryDirectory directory;
  const std::string link = (directory.path() / GetParam().first).string();
  std::filesystem::create_symlink(COUNTERSIGN_PLANREAD_PROBE, link);
  testing::Subprocess process({link});
  const auto exit = process.Wait(absl::Seconds(30));
  ASSERT_TRUE(exit.has_value());
  EXPECT_FALSE(exit->exited) << "it ended with status " << exit->code;
  EXPECT_EQ(exit->signal, GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Forbidden, ConfinementTest,
                         ::testing::Values(std::pair("open_file", SIGSYS), std::pair("write_file", SIGSYS),
                                           std::pair("connect", SIGSYS), std::pair("connect_locally", SIGSYS),
                                           std::pair("fork", SIGSYS), std::pair("execute", SIGSYS),
                                           std::pair("kill_parent", SIGSYS), std::pair("make_code", SIGSYS),
                                           std::pair("map_code", SIGSYS), std::pair("trace", SIGSYS),
                                           std::pair("read_elsewhere", SIGSYS),
                                           std::pair("take_time", SIGKILL)),
                         [](const auto& deed) { return deed.param.first; });

TEST(ConfinedProcessTest, IsTheLeastUrgentAndDiesWithWhoStartedIt) {
  const testing::TemporaryDirectory directory;
  const std::string link = (directory.path() / "await").string();
  std::filesystem::create_symlink(COUNTERSIGN_PLANREAD_PROBE, link);
  const std::string input = directory / "input";
  ASSERT_EQ(mkfifo(input.c_str(), 0600), 0);
  // Opened for writing too, the input has no end.
  testing::Subprocess shell({"sh", "-c", "\"$1\" <>\"$2\" & echo \"pid $!.\"; wait", "sh", link, input});
  ASSERT_TRUE(shell.WaitForOutput("confined\n", absl::Seconds(30)));
  ASSERT_TRUE(shell.WaitForOutput(".\n", absl::Seconds(30)));
  const std::string output = shell.Stdout();
  const int pid = std::stoi(output.substr(output.find("pid ") + 4));
  EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(pid)), 19);
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  ASSERT_GE(process, 0);
  shell.Signal(SIGKILL);
  pollfd end = {process, POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 30'000), 1);
  close(process);
}

TEST(ConfinedMemoryTest, IsBounded) {
  const testing::TemporaryDirectory directory;
  const std::string link = (directory.path() / "take_memory").string();
  std::filesystem::create_symlink(COUNTERSIGN_PLANREAD_PROBE, link);
  testing::Subprocess process({link});
  const auto exit = process.Wait(absl::Seconds(30));
  ASSERT_TRUE(exit.has_value() && exit->exited);
  EXPECT_EQ(exit->code, 3);
}

}  // namespace
}  // namespace countersign::planread
