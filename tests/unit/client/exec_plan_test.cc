// exec for saved plans: its parts, and the whole against a mock of the client and a Terraform of our own.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "client/cli/exec/captured_output.h"
#include "client/cli/exec/plan_environment.h"
#include "client/cli/exec/state_check.h"
#include "client/cli/exec/terraform_directory.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/client/exec_fixture.h"

namespace countersign::cli {
namespace {

using countersign::testing::HasReason;
using countersign::testing::IsOkAndHolds;
using countersign::testing::StatusIs;
using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::Return;

std::string TestPlan(std::string_view name) {
  return testing::ReadFile(text::Concat(COUNTERSIGN_TEST_PLANS, "/", name));
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t position = text.find(from);
  EXPECT_NE(position, std::string::npos) << from;
  return position == std::string::npos ? text : text.replace(position, from.size(), to);
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : text::Split(text, '\n')) {
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

TEST(PlanEnvironmentTest, KeepsTerraformFromAskingAndFromSettingsOfOthers) {
  v1::PlanView plan;
  plan.mutable_backend()->set_workspace("blue");
  const auto variable = [](const char*) -> const char* { return "value"; };
  EXPECT_THAT(
      BuildPlanEnvironment(plan, {"AWS_PROFILE", "TF_LOG"}, "/bin", "/private/terraform.rc", variable),
      IsOkAndHolds(ElementsAre(
          Pair("AWS_PROFILE", "value"), Pair("CHECKPOINT_DISABLE", "1"), Pair("LANG", "C.UTF-8"),
          Pair("PATH", "/bin"), Pair("TF_CLI_CONFIG_FILE", "/private/terraform.rc"), Pair("TF_INPUT", "0"),
          Pair("TF_IN_AUTOMATION", "1"), Pair("TF_LOG", "value"), Pair("TF_WORKSPACE", "blue"))));
}

TEST(PlanEnvironmentTest, RefusesWhatChangesWhatTerraformDoes) {
  v1::PlanView plan;
  plan.add_apply_time_variables("password");
  const auto variable = [](const char*) -> const char* { return "value"; };
  for (const char* name :
       {"TF_CLI_ARGS", "TF_CLI_ARGS_apply", "TF_VAR_size", "TF_REATTACH_PROVIDERS", "TF_DATA_DIR",
        "TF_WORKSPACE", "TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR", "TF_INPUT", "TF_IN_AUTOMATION",
        "TF_ENCRYPTION", "TF_NEW_IN_SOME_VERSION", "TF_VAR_password2", "tf_var_password", "LD_PRELOAD"}) {
    EXPECT_THAT(BuildPlanEnvironment(plan, {name}, "/bin", "/rc", variable),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
  for (const char* name : {"TF_LOG", "TF_DISABLE_PLUGIN_TLS", "TF_TOKEN_app_terraform_io", "TF_HTTP_PASSWORD",
                           "TF_VAR_password", "AWS_ACCESS_KEY_ID", "HOME"}) {
    EXPECT_THAT(BuildPlanEnvironment(plan, {name}, "/bin", "/rc", variable),
                IsOkAndHolds(Contains(Pair(name, "value"))))
        << name;
  }
}

TEST(CapturedOutputTest, IsReadFromTheBeginningUpToTheLimit) {
  auto output = CapturedOutput::Create();
  ASSERT_OK(output);
  const std::string text(100'000, 'x');
  ASSERT_EQ(write(output->descriptor(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_THAT(output->Size(), IsOkAndHolds(text.size()));
  EXPECT_THAT(output->ReadAll(text.size()), IsOkAndHolds(text));
  auto other = CapturedOutput::Create();
  ASSERT_OK(other);
  ASSERT_EQ(write(other->descriptor(), "four", 4), 4);
  EXPECT_THAT(other->ReadAll(3), StatusIs(absl::StatusCode::kResourceExhausted));
}

class TerraformDirectoryTest : public ::testing::Test {
 protected:
  TerraformDirectory Open() { return *TerraformDirectory::Open(directory_.path()); }
  absl::Status CheckBackend(const v1::Backend& plan) { return Open().CheckBackend(plan); }

  void InitialisedFor(const std::string& backend) {
    std::filesystem::create_directory(directory_ / ".terraform");
    directory_.Write(".terraform/terraform.tfstate", R"({"version": 3, "backend": )" + backend + "}");
  }

  testing::TemporaryDirectory directory_;
  const std::string lock_ = R"(# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.71.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:yu4wI4bMDI/4ubF3SXLBEvKVfQ2Hq+UmJc8/wnHkzqg=",
  ]
}
)";
};

TEST_F(TerraformDirectoryTest, IsRefusedWhereOthersCanWrite) {
  EXPECT_OK(TerraformDirectory::Open(directory_.path()));
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  EXPECT_THAT(TerraformDirectory::Open(directory_.path()), StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_EQ(chmod(directory_.path().c_str(), 0700), 0);
  EXPECT_THAT(TerraformDirectory::Open(directory_ / "missing"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TerraformDirectoryTest, HasTheLockFileOfThePlan) {
  v1::PlanConfiguration plan;
  plan.set_lock_file_digest(digest::Sha256(lock_));
  auto* provider = plan.add_providers();
  provider->set_source("registry.terraform.io/hashicorp/aws");
  provider->set_version("5.71.0");
  provider->add_hashes("h1:yu4wI4bMDI/4ubF3SXLBEvKVfQ2Hq+UmJc8/wnHkzqg=");
  const absl::Status missing = Open().CheckLockFile(plan);
  EXPECT_THAT(missing, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(text::MessageOf(missing), HasSubstr(".terraform.lock.hcl is missing"));
  directory_.Write(".terraform.lock.hcl", lock_);
  EXPECT_OK(Open().CheckLockFile(plan));
  directory_.Write(".terraform.lock.hcl", "# Ours.\n" + lock_);
  EXPECT_OK(Open().CheckLockFile(plan)) << "it chooses the same providers";
  for (const char* part : {"5.71.0", "yu4wI4", "hashicorp"}) {
    directory_.Write(".terraform.lock.hcl", Replaced(lock_, part, "5.71.1"));
    EXPECT_FALSE(Open().CheckLockFile(plan).ok()) << part;
  }
  directory_.Write(".terraform.lock.hcl", lock_ + Replaced(lock_, "/aws", "/null"));
  EXPECT_FALSE(Open().CheckLockFile(plan).ok()) << "one more";
  directory_.Write(".terraform.lock.hcl", "no lock file");
  EXPECT_FALSE(Open().CheckLockFile(plan).ok());
}

TEST_F(TerraformDirectoryTest, NeedsNoLockFileWhereThePlanNeedsNoProviders) {
  v1::PlanConfiguration plan;
  plan.set_lock_file_digest(digest::Sha256("# Nothing.\n"));
  EXPECT_OK(Open().CheckLockFile(plan));
}

TEST_F(TerraformDirectoryTest, HasTheBackendOfThePlan) {
  v1::Backend plan;
  plan.set_type("local");
  EXPECT_OK(CheckBackend(plan)) << "the default one";
  (*plan.mutable_settings())["path"] = R"("state/prod.tfstate")";
  EXPECT_FALSE(CheckBackend(plan).ok());
  InitialisedFor(R"({"type": "local", "config": {"path": "state/prod.tfstate", "workspace_dir": null}})");
  EXPECT_OK(CheckBackend(plan));
  InitialisedFor(R"({"type": "local", "config": {"path": "state/test.tfstate", "workspace_dir": null}})");
  EXPECT_THAT(text::MessageOf(CheckBackend(plan)), HasSubstr("its setting path of local is another one"));
  InitialisedFor(R"({"type": "s3", "config": {"path": "state/prod.tfstate"}})");
  EXPECT_THAT(text::MessageOf(CheckBackend(plan)), HasSubstr("initialised for s3, not local"));
  InitialisedFor("0,");
  EXPECT_FALSE(CheckBackend(plan).ok());
}

class CheckStateTest : public ::testing::Test {
 protected:
  CheckStateTest() {
    plan_.mutable_state()->set_lineage("a5128e77-7fe6-d11f-1e08-c8a45af70ac8");
    plan_.mutable_state()->set_serial(1);
  }

  absl::Status Check(const std::string& json) {
    bool given = false;
    const auto once = [&]() -> absl::StatusOr<std::string_view> {
      return std::exchange(given, true) ? std::string_view() : std::string_view(json);
    };
    const terraform::Limits limits;
    terraform::ValueArena arena(limits);
    const auto state = terraform::ReadState(once, &arena, limits, "state");
    EXPECT_OK(state);
    return state.ok() ? CheckState(plan_, bytes_, &*state) : state.status();
  }

  v1::PlanView plan_;
  const std::string bytes_ = TestPlan("approved.tfplan");
  const std::string state_ = TestPlan("approved.tfstate");
};

TEST_F(CheckStateTest, AcceptsTheStateThatThePlanWasMadeOn) {
  EXPECT_OK(Check(state_));
  plan_.mutable_state()->clear_lineage();
  plan_.mutable_state()->clear_serial();
  EXPECT_OK(CheckState(plan_, bytes_, nullptr)) << "none then, none now";
}

TEST_F(CheckStateTest, RefusesAStateThatIsAnotherOlderOrNewer) {
  EXPECT_THAT(CheckState(plan_, bytes_, nullptr), HasReason(v1::STATE_MISSING));
  EXPECT_THAT(Check(Replaced(state_, "a5128e77", "a5128e7x")), HasReason(v1::STATE_LINEAGE_CHANGED));
  EXPECT_THAT(Check(Replaced(state_, "\"serial\": 1", "\"serial\": 0")),
              HasReason(v1::STATE_SERIAL_REGRESSED));
  EXPECT_THAT(Check(Replaced(state_, "\"serial\": 1", "\"serial\": 3")), HasReason(v1::PLAN_STALE));
  plan_.mutable_state()->clear_lineage();
  plan_.mutable_state()->clear_serial();
  EXPECT_THAT(Check(state_), HasReason(v1::PLAN_STALE)) << "none then, one now";
}

TEST_F(CheckStateTest, RefusesAStateOfTheSameSerialThatHoldsSomethingElse) {
  const auto refusal = [this](const std::string& from, const std::string& to) {
    const absl::Status status = Check(Replaced(state_, from, to));
    EXPECT_THAT(status, HasReason(v1::PLAN_STALE)) << from;
    return text::MessageOf(status);
  };
  EXPECT_THAT(refusal("\"value\": \"base\"", "\"value\": \"other\""),
              HasSubstr("terraform_data.base changed in it"));
  EXPECT_THAT(refusal("\"name\": \"base\"", "\"name\": \"other\""),
              HasSubstr("it lacks terraform_data.base"));
  EXPECT_THAT(refusal("\"schema_version\": 0", "\"deposed\": \"00000001\", \"schema_version\": 0"),
              HasSubstr("it lacks terraform_data.base"));
}

TEST_F(CheckStateTest, AcceptsWhatANewerProviderMadeOfTheState) {
  EXPECT_OK(Check(Replaced(state_, "\"triggers_replace\": null", "\"another\": null"))) << "nulls";
  EXPECT_OK(Check(Replaced(Replaced(state_, "\"value\": \"base\"", "\"value\": \"other\""),
                           "\"schema_version\": 0", "\"schema_version\": 1")));
  EXPECT_THAT(Check(Replaced(Replaced(state_, "\"id\": \"", "\"id\": \"0"), "\"schema_version\": 0",
                             "\"schema_version\": 1")),
              HasReason(v1::PLAN_STALE));
}

TEST_F(CheckStateTest, LooksForWhatMovesWhereItWas) {
  const std::string moved = Replaced(state_, "\"name\": \"base\"", "\"name\": \"old\"");
  EXPECT_THAT(Check(moved), HasReason(v1::PLAN_STALE));
  v1::ResourceChange* const change = plan_.add_resource_changes();
  change->set_address("terraform_data.base");
  change->set_previous_address("terraform_data.old");
  EXPECT_OK(Check(moved));
  EXPECT_THAT(Check(state_), HasReason(v1::PLAN_STALE)) << "it has moved already";
  EXPECT_THAT(Check(Replaced(moved, "\"value\": \"base\"", "\"value\": \"other\"")),
              HasReason(v1::PLAN_STALE));
  const size_t start = moved.find("\"resources\": [") + std::string("\"resources\": [").size();
  const size_t end = moved.rfind("],", moved.find("\"check_results\""));
  EXPECT_THAT(Check(std::string(moved).erase(start, end - start)), HasReason(v1::PLAN_STALE));
}

TEST_F(CheckStateTest, AMoveSaysNothingOfWhatStays) {
  v1::ResourceChange* const change = plan_.add_resource_changes();
  change->set_address("terraform_data.other");
  change->set_previous_address("terraform_data.another");
  EXPECT_OK(Check(state_));
  EXPECT_THAT(Check(Replaced(state_, "\"value\": \"base\"", "\"value\": \"other\"")),
              HasReason(v1::PLAN_STALE));
}

TEST_F(CheckStateTest, DigestsSettleItWithoutThePlansBytes) {
  const std::string other = Replaced(state_, "\"value\": \"base\"", "\"value\": \"other\"");
  EXPECT_THAT(Check(other), HasReason(v1::PLAN_STALE));
  bool given = false;
  const terraform::Limits limits;
  terraform::ValueArena arena(limits);
  const auto state = terraform::ReadState(
      [&]() -> absl::StatusOr<std::string_view> {
        return std::exchange(given, true) ? std::string_view() : std::string_view(other);
      },
      &arena, limits, "state");
  ASSERT_OK(state);
  plan_.mutable_state()->set_previous_content_digest(state->digest);
  EXPECT_OK(CheckState(plan_, "", &*state));
}

// The whole, with a Terraform that only notes how it was called.
class ExecPlanTest : public testing::ExecFixture {
 protected:
  ExecPlanTest() {
    downloaded_ = TestPlan("approved.tfplan");
    proposal_.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
    proposal_.mutable_action()->add_artifacts()->set_digest(digest::Sha256(downloaded_));
    std::filesystem::create_directory(root_);
    std::filesystem::create_directory(work_);
    directory_.Write("version", R"({"terraform_version": "1.11.4", "platform": "linux_amd64"})");
    directory_.Write("state", TestPlan("approved.tfstate"));
    directory_.Write("fresh", downloaded_);
    chmod(directory_.Write("bin/terraform", Script()).c_str(), 0755);
  }

  // Answers from files, and keeps the arguments of every call, the environment and what it applied.
  std::string Script() const {
    const std::string here = directory_.path().string();
    return "#!/bin/sh\nhere=" + here +
           "\necho \"$@\" >> $here/calls\n"
           "case \"$2\" in\n"
           "  version) cat $here/version ;;\n"
           "  state) cat $here/state ;;\n"
           "  plan) echo planning; test -e $here/fresh || exit 1\n"
           "    for argument in \"$@\"; do\n"
           "      case \"$argument\" in -out=*) cp $here/fresh \"${argument#-out=}\" ;; esac\n"
           "    done ;;\n"
           "  apply) env > $here/environment; pwd > $here/directory; cat \"$6\" > $here/applied\n"
           "    cat \"$TF_CLI_CONFIG_FILE\" > $here/settings\n"
           "    test -w \"$6\" && test \"$(id -u)\" != 0 && exit 99\n"
           "    sed -i 's/\"serial\": 1/\"serial\": 2/' $here/state; exit \"$(cat $here/code || echo 0)\" "
           ";;\n"
           "esac 2> /dev/null\n";
  }

  std::vector<std::string> Arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"exec",   "abcdefghijklmnopqrstuvwx", "--chdir", work_,
                                          "--path", root_ + ":/usr/bin:/bin"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Refused before anything was claimed.
  void ExpectRefusal(const std::string& why, const std::vector<std::string>& more = {}) {
    BrokerIsReady();
    EXPECT_CALL(*line_.client, Claim(_, _)).Times(0);
    EXPECT_CALL(*line_.client, Redeem(_, _)).Times(0);
    EXPECT_CALL(*line_.client, Report(_, _)).Times(0);
    EXPECT_EQ(line_.Run(Arguments(more)), 125);
    EXPECT_THAT(line_.err.str(), HasSubstr(why));
    EXPECT_FALSE(std::filesystem::exists(directory_ / "applied"));
  }

  // Runs, and gives back what was reported.
  v1::ReportExecutionRequest Run(int exit_code, const std::vector<std::string>& more = {}) {
    BrokerIsReady();
    v1::ReportExecutionRequest reported;
    EXPECT_CALL(*line_.client, Claim(_, _)).Times(1);
    EXPECT_CALL(*line_.client, Report(_, _))
        .WillOnce([&](const v1::ReportExecutionRequest& report, const CallOptions&) {
          reported = report;
          return v1::Proposal();
        });
    EXPECT_EQ(line_.Run(Arguments(more)), exit_code) << line_.err.str();
    return reported;
  }

  std::vector<std::string> Calls() const {
    return LinesOf(std::filesystem::exists(directory_ / "calls") ? testing::ReadFile(directory_ / "calls")
                                                                 : "");
  }

  const std::string root_ = directory_ / "bin";
  const std::string work_ = directory_ / "work";
};

TEST_F(ExecPlanTest, AppliesTheApprovedPlanAndReportsTheStateThatItLeft) {
  const auto report = Run(0);
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_EQ(report.execution_id(), "execution");
  EXPECT_EQ(report.state().lineage(), "a5128e77-7fe6-d11f-1e08-c8a45af70ac8");
  EXPECT_EQ(report.state().serial(), 2u);
  EXPECT_EQ(report.state().resource_count(), 1);
  ASSERT_EQ(report.state().resources_size(), 1);
  EXPECT_EQ(report.state().resources(0).address(), "terraform_data.base");
  EXPECT_EQ(testing::ReadFile(directory_ / "applied"), downloaded_);
  EXPECT_EQ(testing::ReadFile(directory_ / "directory"), work_ + "\n");

  const auto calls = Calls();
  ASSERT_EQ(calls.size(), 4u);
  const std::string chdir = "-chdir=" + work_;
  EXPECT_EQ(calls[0], chdir + " version -json");
  EXPECT_EQ(calls[1], chdir + " state pull");
  EXPECT_THAT(calls[2], ::testing::MatchesRegex(chdir + " apply -input=false -lock=true -no-color " +
                                                directory_.path().string() +
                                                "/countersign-exec-[^/]+/approved.tfplan"));
  EXPECT_EQ(calls[3], chdir + " state pull");
}

TEST_F(ExecPlanTest, GivesTerraformAnEnvironmentMadeFromNothing) {
  line_.variables["TF_LOG"] = "ERROR";
  line_.variables["TF_VAR_size"] = "999";
  setenv("TF_CLI_ARGS_apply", "-state=elsewhere", 1);
  (void)Run(0, {"--pass-env", "SECRET", "--pass-env", "TF_LOG"});
  unsetenv("TF_CLI_ARGS_apply");
  std::map<std::string, std::string> environment;
  for (const std::string& line : LinesOf(testing::ReadFile(directory_ / "environment"))) {
    environment[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  }
  environment.erase("PWD");  // The shell's own.
  environment.erase("OLDPWD");
  environment.erase("SHLVL");
  environment.erase("_");
  const std::string home = environment["HOME"];
  EXPECT_THAT(home, HasSubstr("countersign-exec-"));
  EXPECT_THAT(
      environment,
      ElementsAre(Pair("CHECKPOINT_DISABLE", "1"), Pair("HOME", home), Pair("LANG", "C.UTF-8"),
                  Pair("PATH", root_ + ":/usr/bin:/bin"), Pair("SECRET", "s3cret"),
                  Pair("TF_CLI_CONFIG_FILE", home + "/terraform.rc"), Pair("TF_INPUT", "0"),
                  Pair("TF_IN_AUTOMATION", "1"), Pair("TF_LOG", "ERROR"), Pair("TF_WORKSPACE", "default")));
  EXPECT_EQ(testing::ReadFile(directory_ / "settings"), "disable_checkpoint = true\n");
  EXPECT_FALSE(std::filesystem::exists(home)) << "removed afterwards";
}

TEST_F(ExecPlanTest, PassesTheExitCodeThroughAndReportsTheStateAllTheSame) {
  directory_.Write("code", "1");
  const auto report = Run(1);
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_EQ(report.state().serial(), 2u);
}

TEST_F(ExecPlanTest, ReportsNoStateWhereItCannotBeRead) {
  // Its last call finds what is no state.
  directory_.Write("code", "0");
  chmod(directory_.Write("bin/terraform", Replaced(Script(), "sed -i", "echo '{' > $here/state; sed -i"))
            .c_str(),
        0755);
  const auto report = Run(0);
  EXPECT_FALSE(report.has_state());
  EXPECT_THAT(line_.err.str(), HasSubstr("the broker does not learn which state this left"));
}

TEST_F(ExecPlanTest, RefusesAPlanOfAnotherVersion) {
  directory_.Write("version", R"({"terraform_version": "1.9.6"})");
  ExpectRefusal("the plan was made by 1.11.4, this runner has 1.9.6");
  directory_.Write("version", "Terraform v1.11.4");
  ExpectRefusal("does not say its version as Terraform does");
}

TEST_F(ExecPlanTest, RefusesAnotherState) {
  const std::string state = TestPlan("approved.tfstate");
  directory_.Write("state", Replaced(state, "\"serial\": 1", "\"serial\": 5"));
  ExpectRefusal("which has moved on since");
  directory_.Write("state", Replaced(state, "\"serial\": 1", "\"serial\": 0"));
  ExpectRefusal("the one here is older");
  directory_.Write("state", Replaced(state, "a5128e77", "a5128e7x"));
  ExpectRefusal("the one here is another");
  directory_.Write("state", Replaced(state, "\"value\": \"base\"", "\"value\": \"edited\""));
  ExpectRefusal("terraform_data.base changed in it");
  directory_.Write("state", "");
  ExpectRefusal("there is no state here");
  directory_.Write("state", R"({"version": 4, "terraform_version": "1.11.4", "serial": 0, "lineage": "",
                                "outputs": {}, "resources": [], "check_results": null})");
  ExpectRefusal("there is no state here");
  std::filesystem::remove(directory_ / "state");
  ExpectRefusal("state pull` ended with 1");
}

TEST_F(ExecPlanTest, RefusesOtherProvidersAndAnotherBackend) {
  const std::string lock = work_ + "/.terraform.lock.hcl";
  std::ofstream(lock) << "provider \"registry.terraform.io/hashicorp/null\" {\n  version = \"3.2.3\"\n"
                         "  hashes = [\n    \"h1:+AnORRgFbRO6qqcfaQyeX80W0eX3VmjadjnUFUJTiXo=\",\n  ]\n}\n";
  ExpectRefusal("does not choose the providers of the plan");
  std::filesystem::remove(lock);
  std::filesystem::create_directory(work_ + "/.terraform");
  std::ofstream(work_ + "/.terraform/terraform.tfstate") << R"({"version": 3, "backend": {"type": "s3"}})";
  ExpectRefusal("initialised for s3, not local");
}

TEST_F(ExecPlanTest, RefusesADirectoryThatOthersCanWriteTo) {
  ASSERT_EQ(chmod(work_.c_str(), 0777), 0);
  ExpectRefusal("may be written to by its group or by everybody");
}

TEST_F(ExecPlanTest, RefusesVariablesThatChangeWhatTerraformDoes) {
  for (const char* name : {"TF_CLI_ARGS_apply", "TF_VAR_size", "TF_DATA_DIR", "TF_REATTACH_PROVIDERS"}) {
    line_.variables[name] = "x";
    ExpectRefusal(name, {"--pass-env", name});
  }
}

TEST_F(ExecPlanTest, RefusesOtherBytesThanTheApprovedAndWhatIsNoPlan) {
  downloaded_ = TestPlan("other.tfplan");
  ExpectRefusal("is not what was approved");
  downloaded_ = "no plan";
  proposal_.mutable_action()->mutable_artifacts(0)->set_digest(digest::Sha256(downloaded_));
  ExpectRefusal("hint: make it anew with `terraform plan -out=FILE`");
  EXPECT_THAT(Calls(), ElementsAre());
}

TEST_F(ExecPlanTest, RefusesAProgramThatIsNotThereOrThatOthersCanWriteTo) {
  ExpectRefusal("there is no program no-terraform", {"--terraform", "no-terraform"});
  ASSERT_EQ(chmod((root_ + "/terraform").c_str(), 0777), 0);
  ExpectRefusal("will not run");
}

TEST_F(ExecPlanTest, RefusesArgumentsThatWouldMeanNothing) {
  ExpectRefusal("a saved plan takes no arguments", {"--", "-var", "size=1"});
}

TEST_F(ExecPlanTest, RefusesATokenThatIsForACommand) {
  spoil_ = [](jws::ExecutionClaims* claims) {
    claims->kind = "command";
    claims->subject = jws::SubjectOf("production", "targets/x", "command");
  };
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Redeem(_, _)).Times(0);
  EXPECT_EQ(line_.Run(Arguments()), 125);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "applied"));
}

TEST_F(ExecPlanTest, LooksAtTheStateAgainWhenItsTurnCame) {
  proposal_.mutable_approval_expire_time()->set_seconds(
      absl::ToUnixSeconds(line_.environment.Now() + absl::Hours(1)));
  BrokerIsReady();
  EXPECT_CALL(*line_.client, Claim(_, _)).Times(1);
  EXPECT_CALL(*line_.client, Redeem(_, _))
      .WillOnce(Return(error::Make(v1::TARGET_BUSY, "another execution holds targets/x")));
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce([this](auto&, auto&) {
    directory_.Write("state", Replaced(TestPlan("approved.tfstate"), "\"serial\": 1", "\"serial\": 3"));
    return v1::ListProposalsResponse();
  });
  EXPECT_EQ(line_.Run(Arguments({"--timeout", "10m"})), 125);
  EXPECT_THAT(line_.err.str(), HasSubstr("which has moved on since"));
}

TEST_F(ExecPlanTest, ReplansAndAppliesTheFreshPlanThatDoesTheSame) {
  // The state has moved on, which the plan does not depend on.
  directory_.Write("state", Replaced(TestPlan("approved.tfstate"), "\"serial\": 1", "\"serial\": 9"));
  (void)Run(0, {"--replan", "--", "-var", "courses=2"});
  const auto calls = Calls();
  ASSERT_EQ(calls.size(), 4u);
  const std::string chdir = "-chdir=" + work_;
  EXPECT_THAT(calls[1], ::testing::MatchesRegex(chdir + " plan -input=false -lock=true -no-color -out=" +
                                                directory_.path().string() +
                                                "/countersign-exec-[^/]+/fresh-1.tfplan -var courses=2"));
  EXPECT_THAT(calls[2],
              AllOf(HasSubstr(" apply -input=false -lock=true -no-color "), HasSubstr("/fresh-1.tfplan")));
  EXPECT_EQ(testing::ReadFile(directory_ / "applied"), testing::ReadFile(directory_ / "fresh"));
}

TEST_F(ExecPlanTest, ReplansToLessOnlyWherePolicyAllows) {
  directory_.Write("fresh", TestPlan("less.tfplan"));
  ExpectRefusal("policy does not allow that", {"--replan"});
  EXPECT_THAT(line_.err.str(), HasSubstr("terraform_data.courses[0]"));
  proposal_.mutable_requirement()->set_subset_allowed(true);
  (void)Run(0, {"--replan"});
  EXPECT_THAT(line_.err.str(), HasSubstr("the fresh plan does less than the approved one"));
  EXPECT_EQ(testing::ReadFile(directory_ / "applied"), TestPlan("less.tfplan"));
}

TEST_F(ExecPlanTest, RefusesAFreshPlanThatDoesOtherThings) {
  proposal_.mutable_requirement()->set_subset_allowed(true);
  directory_.Write("fresh", TestPlan("other.tfplan"));
  ExpectRefusal("the fresh plan does other things than the approved one", {"--replan"});
  EXPECT_THAT(line_.err.str(), HasSubstr("terraform_data.base"));
}

TEST_F(ExecPlanTest, RefusesAFreshPlanOfAnotherStateAndOneThatHasNothingToDo) {
  proposal_.mutable_requirement()->set_subset_allowed(true);
  directory_.Write("fresh", TestPlan("nothing.tfplan"));
  ExpectRefusal("nothing left to do: the approved changes are already there", {"--replan"});
  std::filesystem::remove(directory_ / "fresh");
  ExpectRefusal("ended with 1", {"--replan"});
  // Approved on a newer state than that of the fresh plan.
  directory_.Write("fresh", downloaded_);
  downloaded_ = TestPlan("less.tfplan");
  proposal_.mutable_action()->mutable_artifacts(0)->set_digest(digest::Sha256(downloaded_));
  ExpectRefusal("the one here is older", {"--replan"});
}

TEST_F(ExecPlanTest, SaysItselfWhereTheFreshPlanGoes) {
  for (const char* argument :
       {"-out=/tmp/x", "--out", "-state=/tmp/x", "-lock=false", "-detailed-exitcode"}) {
    ExpectRefusal(argument, {"--replan", "--", argument});
  }
  EXPECT_THAT(Calls(), ElementsAre());
}

TEST_F(ExecPlanTest, HelpTeachesBoth) {
  EXPECT_EQ(line_.Run({"exec", "--help"}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("countersign exec k3vq --chdir network --replan -- "),
                                     HasSubstr("-- psql -f fix.sql"), Not(HasSubstr("\t"))));
}

}  // namespace
}  // namespace countersign::cli
