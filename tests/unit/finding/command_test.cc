#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/finding/judge.h"
#include "tests/unit/finding/plan_world.h"

namespace countersign::finding {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using v1::Finding;

using Arguments = std::vector<std::string>;

v1::Action Command(const Arguments& argv) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  for (const std::string& argument : argv) action.add_argv(argument);
  return action;
}

std::vector<std::string> CodesFor(const Arguments& argv) { return CodesOf(JudgeCommand(Command(argv))); }

TEST(JudgeCommandTest, FindsWhatDestroys) {
  const std::vector<Arguments> commands = {
      {"terraform", "destroy"},
      {"/usr/bin/terraform", "-chdir=x", "destroy", "-auto-approve"},
      {"terraform", "-chdir", "x", "destroy"},
      {"tofu", "apply", "-destroy"},
      {"terraform", "apply", "--destroy=true", "-auto-approve"},
      {"terraform", "state", "rm", "aws_vpc.main"},
      {"terragrunt", "run-all", "destroy"},
      {"aws", "--profile", "p", "rds", "delete-db-instance", "--skip-final-snapshot"},
      {"aws", "rds", "--region", "eu-west-1", "delete-db-instance"},
      {"aws", "s3", "rm", "--recursive", "s3://b"},
      {"aws", "s3", "sync", ".", "s3://b", "--delete"},
      {"aws", "kms", "schedule-key-deletion"},
      {"aws", "dynamodb", "delete-table"},
      {"gcloud", "--project", "p", "sql", "instances", "delete", "x"},
      {"gsutil", "-m", "rm", "-r", "gs://b"},
      {"az", "group", "delete", "-n", "x", "--yes"},
      {"kubectl", "-n", "x", "delete", "ns", "y"},
      {"kubectl", "--context=prod", "scale", "deploy/x", "--replicas=0"},
      {"helm", "-n", "x", "uninstall", "y"},
      {"psql", "-c", "DROP DATABASE courses"},
      {"psql", "-Atc", "truncate table a"},
      {"psql", "--command=delete from a"},
      {"psql", "-c", "DROP/**/TABLE a"},
      {"psql", "-c", "update a set b = 1"},
      {"mysql", "-eDROP TABLE a"},
      {"mysql", "--execute", "select 1; drop table a"},
      {"sqlite3", "a.db", "delete from a"},
      {"mongosh", "--eval", "db.dropDatabase()"},
      {"redis-cli", "-h", "x", "FLUSHALL"},
      {"dropdb", "courses"},
      {"rm", "-rf", "/"},
      {"dd", "if=/dev/zero", "of=/dev/sda"},
      {"mkfs.ext4", "/dev/sda1"},
      {"find", ".", "-delete"},
      {"find", ".", "-exec", "rm", "{}", ";"},
      {"docker", "volume", "rm", "x"},
      {"docker", "compose", "down", "-v"},
      {"git", "-C", "d", "push", "--force"},
      {"git", "push", "origin", "+main"},
      {"git", "push", "-uf", "origin", "main"},
      {"git", "reset", "--hard", "HEAD~1"},
      {"git", "branch", "-D", "x"},
      {"heroku", "pg:reset", "-a", "x"},
      {"restic", "forget", "--prune"},
      {"curl", "-XDELETE", "https://x"},
      {"curl", "-X", "DELETE", "https://x"},
      {"aws-nuke", "run"},
  };
  for (const Arguments& argv : commands) {
    EXPECT_THAT(CodesFor(argv), Contains("destructive-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, SeesThroughWhatRunsOtherPrograms) {
  const std::vector<Arguments> commands = {
      {"sudo", "-u", "root", "-E", "rm", "x"},
      {"env", "-i", "A=b", "terraform", "destroy"},
      {"env", "-S", "rm -rf x"},
      {"env", "--split-string=rm -rf x"},
      {"time", "nice", "-n", "5", "nohup", "dropdb", "x"},
      {"nice", "-n5", "dropdb", "x"},
      {"timeout", "-k", "5", "10", "dropdb", "x"},
      {"xargs", "-0", "-n", "1", "rm"},
      {"sh", "-c", "terraform destroy"},
      {"/bin/bash", "-euo", "pipefail", "-c", "cd x && terraform destroy"},
      {"bash", "-lc", "echo $(dropdb x)"},
      {"bash", "-c", "echo \"`dropdb x`\""},
      {"sh", "-c", "if true; then rm x; fi"},
      {"sh", "-c", "(cd x; { rm y; })"},
      {"sh", "-c", "A=b rm x"},
      {"sh", "-c", "r\\m x"},
      {"sh", "-c", "'rm' x"},
      {"sh", "-c", "eval 'rm x'"},
      {"sh", "-c", "sh -c 'sh -c \"rm x\"'"},
      {"su", "-", "postgres", "-c", "dropdb x"},
      {"su", "-c", "dropdb x", "postgres"},
      {"ssh", "-i", "key", "host", "dropdb", "x"},
      {"ssh", "host", "cd /; rm -rf x"},
      {"kubectl", "exec", "pod", "--", "psql", "-c", "DROP TABLE a"},
      {"busybox", "rm", "x"},
      {"flock", "/tmp/lock", "rm", "x"},
  };
  for (const Arguments& argv : commands) {
    EXPECT_THAT(CodesFor(argv), Contains("destructive-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, FindsNothingInWhatOnlyReads) {
  const std::vector<Arguments> commands = {
      {"ls", "-l"},
      {"/bin/ls"},
      {"terraform", "plan", "-out", "p"},
      {"terraform", "-chdir=x", "plan", "-destroy"},
      {"terraform", "show", "p"},
      {"terraform", "state", "list"},
      {"terraform", "--version"},
      {"kubectl", "-n", "x", "get", "pods"},
      {"aws", "--profile", "p", "rds", "describe-db-instances"},
      {"aws", "s3", "ls"},
      {"gcloud", "sql", "instances", "list"},
      {"az", "group", "list"},
      {"helm", "list", "-A"},
      {"psql", "-d", "x", "-c", "SELECT count(*) FROM a"},
      {"psql", "-c", "\\dt"},
      {"git", "-C", "d", "log", "--oneline"},
      {"docker", "ps", "-a"},
      {"redis-cli", "info"},
      {"nice", "ls"},
      {"sh", "-c", "cd x && ls | grep y"},
      {"env", "A=b", "ls"},
  };
  for (const Arguments& argv : commands) {
    EXPECT_THAT(CodesFor(argv), IsEmpty()) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, CallsOpaqueWhatItDoesNotKnow) {
  const std::vector<Arguments> commands = {
      {"frobnicate"},
      {"./ls"},
      {"/tmp/kubectl", "get", "pods"},
      {"python3", "x.py"},
      {"bash", "x.sh"},
      {"sh"},
      {"sh", "-c", "$X"},
      {"sh", "-c", "ls > x"},
      {"sh", "-c", "ls 'x"},
      {"sh", "-c", ""},
      {"sudo"},
      {"sudo", "-Z", "ls"},
      {"kubectl", "frobnicate"},
      {"kubectl", "apply", "-f", "x"},
      {"helm", "upgrade", "x", "y"},
      {"psql", "courses"},
      {"psql", "-f", "x.sql"},
      {"psql", "-c", "SELECT pg_terminate_backend(1)"},
      {"psql", "-c", "\\! sh"},
      {"aws", "secretsmanager", "get-secret-value"},
      {"curl", "https://x"},
      {"docker", "run", "x"},
      {"npm", "run", "deploy"},
      {"make"},
      {""},
      {},
  };
  for (const Arguments& argv : commands) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), Contains("opaque-command")) << testing::PrintToString(argv);
    for (const Finding& finding : findings) EXPECT_GE(finding.severity(), Finding::WARNING);
  }
}

TEST(JudgeCommandTest, WantsPlansToBeSaved) {
  for (const Arguments& argv : std::vector<Arguments>{{"terraform", "apply"},
                                                      {"terraform", "apply", "-auto-approve"},
                                                      {"terraform", "-chdir=x", "apply", "-var", "a=b"},
                                                      {"terraform", "apply", "-target", "aws_vpc.v"},
                                                      {"terraform", "destroy"},
                                                      {"tofu", "apply", "-destroy"},
                                                      {"terragrunt", "apply"},
                                                      {"terragrunt", "run-all", "apply"},
                                                      {"terragrunt", "run", "--all", "apply"},
                                                      {"terraform", "apply", "other.tfplan"},
                                                      {"sudo", "terraform", "apply"}}) {
    EXPECT_THAT(CodesFor(argv), Contains("unsaved-plan")) << testing::PrintToString(argv);
  }
  EXPECT_THAT(CodesFor({"terraform", "plan"}), Not(Contains("unsaved-plan")));
}

TEST(JudgeCommandTest, SaysOfAPlanInACommandThatItIsNotShown) {
  v1::Action action = Command({"terraform", "apply", "./x.tfplan"});
  action.add_artifacts()->set_file_name("x.tfplan");
  const std::vector<Finding> findings = JudgeCommand(action);
  EXPECT_THAT(CodesOf(findings), ElementsAre("opaque-command"));
  EXPECT_EQ(findings[0].severity(), Finding::HIGH);
}

TEST(JudgeCommandTest, TellsOfVariablesThatSteer) {
  v1::Action action = Command({"ls"});
  (*action.mutable_environment())["TF_CLI_ARGS_apply"] = "-state=alt.tfstate";
  (*action.mutable_environment())["LD_PRELOAD"] = "x.so";
  (*action.mutable_environment())["GREETING"] = "hello";
  const std::vector<Finding> findings = JudgeCommand(action);
  ASSERT_THAT(CodesOf(findings), ElementsAre("environment-override"));
  ASSERT_EQ(findings[0].evidence_size(), 2);
  EXPECT_EQ(findings[0].evidence(0).address(), "environment.LD_PRELOAD");
  EXPECT_EQ(findings[0].evidence(1).value(), "TF_CLI_ARGS_apply=-state=alt.tfstate");
  EXPECT_THAT(CodesFor({"env", "PATH=.", "ls"}), Contains("environment-override"));
  EXPECT_THAT(CodesFor({"sh", "-c", "PATH=. ls"}), Contains("environment-override"));
}

TEST(JudgeCommandTest, TellsOfChangesThatDestroyNothing) {
  const std::vector<Finding> findings = JudgeCommand(Command({"kubectl", "label", "pod", "x", "a=b"}));
  ASSERT_THAT(CodesOf(findings), ElementsAre("changing-command"));
  EXPECT_EQ(findings[0].severity(), Finding::INFO);
  EXPECT_THAT(CodesFor({"kubectl", "get", "pod"}), Not(Contains("changing-command")));
}

TEST(JudgeCommandTest, SaysWhereItStands) {
  const std::vector<Finding> findings = JudgeCommand(Command({"sudo", "-n", "dropdb", "x"}));
  ASSERT_THAT(CodesOf(findings), ElementsAre("destructive-command"));
  EXPECT_EQ(findings[0].severity(), Finding::CRITICAL);
  EXPECT_EQ(findings[0].evidence(0).address(), "argv[2]");
  EXPECT_EQ(findings[0].evidence(0).value(), "dropdb x");
}

TEST(JudgeCommandTest, ShowsTwentyPlacesAndCountsTheOthers) {
  std::string script;
  for (int i = 0; i < 25; ++i) script += "rm " + std::to_string(i) + ";";
  const std::vector<Finding> findings = JudgeCommand(Command({"sh", "-c", script}));
  ASSERT_THAT(CodesOf(findings), ElementsAre("destructive-command"));
  EXPECT_EQ(findings[0].evidence_size(), 20);
  EXPECT_EQ(findings[0].evidence_omitted(), 5);
}

TEST(JudgeCommandTest, EndsForWhatIsNestedWithoutEnd) {
  Arguments nested(1000, "sudo");
  nested.push_back("ls");
  EXPECT_THAT(CodesFor(nested), Contains("opaque-command"));
  std::string script;
  for (int i = 0; i < 10'000; ++i) script += "$(";
  EXPECT_THAT(CodesFor({"sh", "-c", script + "ls"}), Contains("opaque-command"));
  EXPECT_THAT(CodesFor({"sh", "-c", std::string(100'000, ';')}), Contains("opaque-command"));
  EXPECT_THAT(CodesFor({"sh", "-c", std::string(100'000, '`')}), Contains("opaque-command"));
}

TEST(JudgeCommandTest, RaisesEachCodeOfCommands) {
  std::set<std::string> raised;
  for (const Arguments& argv : std::vector<Arguments>{
           {"terraform", "destroy"}, {"frobnicate"}, {"env", "PATH=.", "ls"}, {"mkdir", "x"}}) {
    for (const std::string& code : CodesFor(argv)) raised.insert(code);
  }
  for (const RuleDescription& rule : RuleTable()) {
    if (rule.group == "Commands") {
      EXPECT_THAT(raised, Contains(std::string(rule.code)));
    }
  }
}

}  // namespace
}  // namespace countersign::finding
