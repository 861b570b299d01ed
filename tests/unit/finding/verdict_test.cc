// The incident, as a reviewer would have seen it; and the verdict lines for other plans and commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/finding/judge.h"
#include "tests/unit/finding/plan_world.h"

namespace countersign::finding {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// The platform of the courses: five resources, the database first.
struct Platform : PlanWorld {
  explicit Platform(const std::string& action) {
    plan.clear_resource_changes();
    for (v1::PlanState* state : {plan.mutable_state(), memory.mutable_state()}) {
      state->clear_resources();
      state->set_resource_count(0);
    }
    for (const char* address :
         {"aws_vpc.main", "aws_ecs_cluster.app", "aws_lb.front", "aws_instance.bastion"}) {
      Add(address, {action});
    }
    database = Add("aws_db_instance.courses", {action}, "courses-prod");
  }
  v1::ResourceChange* database;
};

TEST(IncidentTest, ThePlanThatWouldHaveCreatedEverythingAgain) {
  Platform world("create");
  for (const char* address : {"aws_vpc.main", "aws_ecs_cluster.app", "aws_lb.front", "aws_instance.bastion",
                              "aws_db_instance.courses"}) {
    world.AddToMemory(address, "");
  }
  world.plan.mutable_state()->Clear();
  EXPECT_THAT(CodesOf(world.Judge()), IsSupersetOf({"state-missing", "creates-known-resources"}));
  EXPECT_EQ(
      world.Verdict(),
      "Made without the state that targets/prod is known to have (5 resources): would create again what "
      "exists. Creates 5 resources.");
}

TEST(IncidentTest, TheOldStateInPlaceOfTheNewOne) {
  Platform world("no-op");
  world.plan.mutable_state()->set_serial(3);
  EXPECT_THAT(CodesOf(world.Judge()), IsSupersetOf({"state-serial-regressed"}));
  EXPECT_THAT(world.Verdict(), StartsWith("Made on an old state of targets/prod: serial 3, and 6 is known."));
}

TEST(IncidentTest, TheStateOfAnotherProject) {
  Platform world("delete");
  world.plan.mutable_state()->set_lineage("lineage-2");
  EXPECT_THAT(CodesOf(world.Judge()), IsSupersetOf({"state-lineage-changed", "destroys-everything"}));
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database courses-prod"));
  EXPECT_THAT(world.Verdict(),
              HasSubstr("Made on another state than that of targets/prod: lineage lineage-2"));
}

TEST(IncidentTest, TheDestroyThatTookTheBackupsToo) {
  Platform world("delete");
  world.plan.set_mode(v1::DESTROY);
  world.plan.mutable_backend()->set_type("local");
  Set(world.database, "skip_final_snapshot", "true");
  Set(world.database, "delete_automated_backups", "true");
  EXPECT_THAT(CodesOf(world.Judge()),
              IsSupersetOf({"destroys-everything", "stateful-delete", "final-snapshot-skipped",
                            "automated-backups-deleted", "backend-local"}));
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database courses-prod"));
  EXPECT_THAT(world.Verdict(), HasSubstr("Deletes 5 of 5 resources."));
}

TEST(IncidentTest, ThePlanThatWasMeant) {
  Platform world("no-op");
  EXPECT_THAT(CodesOf(world.Judge()), IsEmpty());
}

TEST(VerdictLineTest, SaysFirstWhatCannotBeUndone) {
  PlanWorld world;
  v1::ResourceChange* database = world.Add("aws_db_instance.courses", {"delete"}, "courses-prod");
  EXPECT_EQ(world.Verdict(),
            "Deletes database courses-prod and its automated backups; no final snapshot. Nothing can bring "
            "it back. "
            "Deletes 1 of 21 resources.");
  Set(database, "skip_final_snapshot", "false");
  Set(database, "delete_automated_backups", "false");
  EXPECT_EQ(world.Verdict(), "Deletes database courses-prod. Deletes 1 of 21 resources.");
}

TEST(VerdictLineTest, HasRoomForWhatIsLostAndForWhyThePlanIsNotWhatItSeems) {
  const std::vector<std::pair<std::string, void (*)(PlanWorld&)>> deceptions = {
      {"Made on another state than that of",
       [](PlanWorld& w) { w.plan.mutable_state()->set_lineage("11111111-d29a-7470-cd9c-223296787fe1"); }},
      {"Made on an old state of", [](PlanWorld& w) { w.plan.mutable_state()->set_serial(3); }},
      {"The state was edited:", [](PlanWorld& w) { w.plan.mutable_state()->set_content_digest("sha256:o"); }},
      {"Creates 1 resource that", [](PlanWorld& w) {
         w.AddToMemory("aws_vpc.again", "");
         w.Add("aws_vpc.again", {"create"});
       }}};
  for (const auto& [sentence, deceive] : deceptions) {
    PlanWorld world;
    for (const char* name : {"a", "b", "c", "d"}) {
      world.Add("aws_db_instance." + std::string(name), {"delete"},
                "courses-production-of-the-whole-company-in-europe-" + std::string(name));
    }
    world.memory.set_target("targets/courses-production-of-the-whole-company");
    deceive(world);
    const std::string verdict = world.Verdict();
    EXPECT_THAT(verdict, StartsWith("Deletes database courses-production-of-the-whole-company-in-eu"));
    EXPECT_THAT(verdict, HasSubstr("Nothing can bring them back. " + sentence));
    EXPECT_LE(verdict.size(), 300U);
  }
}

TEST(VerdictLineTest, TellsOfBackupsThatGoWithoutTheirDatabase) {
  PlanWorld world;
  Set(world.Add("aws_db_instance.courses", {"update"}, "courses-prod"), "backup_retention_period", "7", "0");
  EXPECT_EQ(world.Verdict(),
            "Deletes the automated backups of database courses-prod. Changes 1 resource. Takes away what "
            "protects database courses-prod.");
}

TEST(VerdictLineTest, NamesTheWorstOfMany) {
  PlanWorld world;
  for (int i = 0; i < 5; ++i) world.Add("aws_instance.i" + std::to_string(i), {"delete"});
  world.Add("aws_s3_bucket.b", {"delete", "create"}, "uploads");
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes bucket uploads, machine aws_instance.i0 and 4 more."));
  EXPECT_THAT(world.Verdict(), HasSubstr("Deletes 5 of 26 resources. Replaces 1 resource."));
}

// A database with a way back, unless `change` says otherwise.
v1::ResourceChange* AddKept(const std::string& name, PlanWorld* world) {
  v1::ResourceChange* change = world->Add("aws_db_instance." + name, {"delete"}, name);
  Set(change, "skip_final_snapshot", "false");
  return change;
}

std::string FirstEvidence(const std::string& code, PlanWorld* world) {
  const v1::Finding* finding = world->Find(code);
  return finding == nullptr ? "" : finding->evidence(0).address();
}

TEST(WorstFirstTest, OneWithoutAWayBackAmongMany) {
  PlanWorld world;
  for (int i = 0; i < 30; ++i) {
    Set(AddKept("a" + std::to_string(i), &world), "delete_automated_backups", "false");
  }
  Set(AddKept("zmain", &world), "delete_automated_backups", "true");
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database zmain, database a0 and 29 more"));
  EXPECT_EQ(FirstEvidence("stateful-delete", &world), "aws_db_instance.zmain");
  EXPECT_EQ(FirstEvidence("mass-delete", &world), "aws_db_instance.zmain");
  EXPECT_EQ(FirstEvidence("deletes", &world), "aws_db_instance.zmain");
}

TEST(WorstFirstTest, LosingBothBeforeLosingOne) {
  PlanWorld world;
  Set(world.Add("aws_db_instance.a", {"delete"}, "a"), "skip_final_snapshot", "true");
  v1::ResourceChange* both = world.Add("aws_db_instance.b", {"delete"}, "b");
  Set(both, "skip_final_snapshot", "true");
  Set(both, "delete_automated_backups", "true");
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database b and database a, "));
}

TEST(WorstFirstTest, ADatabaseBeforeBucketsBeforeTheRest) {
  PlanWorld world;
  for (int i = 0; i < 30; ++i) world.Add("aws_instance.a" + std::to_string(i), {"delete"});
  for (int i = 0; i < 60; ++i) {
    Set(world.Add("aws_s3_bucket.b" + std::to_string(i), {"delete"}), "force_destroy", "true");
  }
  AddKept("z", &world);
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database z, bucket aws_s3_bucket.b0 and 89 more"));
  EXPECT_EQ(FirstEvidence("mass-delete", &world), "aws_db_instance.z");
}

TEST(WorstFirstTest, ABucketThatIsEmptiedBeforeOneThatMustBeEmpty) {
  PlanWorld world;
  Set(world.Add("aws_s3_bucket.a", {"delete"}), "force_destroy", "false");
  Set(world.Add("aws_s3_bucket.b", {"delete"}), "force_destroy", "true");
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes bucket aws_s3_bucket.b and bucket aws_s3_bucket.a"));
}

TEST(WorstFirstTest, GuardedOrNamedAfterProductionBeforeOthers) {
  PlanWorld world;
  AddKept("a", &world);
  AddKept("courses-prod", &world);
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database courses-prod and database a"));
  PlanWorld guarded;
  AddKept("a", &guarded);
  Set(AddKept("b", &guarded), "deletion_protection", "true");
  EXPECT_THAT(guarded.Verdict(), StartsWith("Deletes database b and database a"));
}

TEST(WorstFirstTest, WhatTheTargetIsKnownToHaveBeforeOthers) {
  PlanWorld world;
  AddKept("a", &world);
  AddKept("b", &world);
  world.memory.mutable_state()->mutable_resources()->DeleteSubrange(world.memory.state().resources_size() - 2,
                                                                    2);
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database a and database b"));
  world.AddToMemory("aws_db_instance.moved", "b");
  EXPECT_THAT(world.Verdict(), StartsWith("Deletes database b and database a"));
}

TEST(WorstFirstTest, EvidenceThatIsCutKeepsTheWorstPlaces) {
  PlanWorld world;
  for (int i = 0; i < 30; ++i) {
    world.AddCode("local_exec", "provisioner " + std::to_string(i), "sh " + std::to_string(i), true);
  }
  world.AddCode("local_exec", "provisioner new", "curl example.com | sh");
  const v1::Finding* finding = world.Find("provisioner");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence(0).value(), "curl example.com | sh");
  EXPECT_EQ(finding->evidence_size(), 20);
  EXPECT_EQ(finding->evidence_omitted(), 11);
  EXPECT_THAT(finding->sentence(), HasSubstr("provisioner new, provisioner 0 and 29 more"));
}

TEST(VerdictLineTest, CountsWhatIsHarmless) {
  PlanWorld world;
  EXPECT_EQ(world.Verdict(), "Changes no resource.");
  world.Add("aws_route_table.new", {"create"});
  world.Add("aws_vpc.v", {"update"});
  world.Add("aws_vpc.w", {"update"});
  EXPECT_EQ(world.Verdict(), "Creates 1, changes 2 resources.");
}

TEST(VerdictLineTest, TellsOfCodeAndOfOpenDoors) {
  PlanWorld world;
  world.AddCode("local_exec", "provisioner \"local-exec\" in resource aws_vpc.v", "sh");
  Set(world.Add("aws_security_group.g", {"update"}), "ingress[0].cidr_blocks[0]", "", "\"0.0.0.0/0\"");
  EXPECT_EQ(world.Verdict(),
            "Changes 1 resource. Can run commands when it is applied: provisioner \"local-exec\" in resource "
            "aws_vpc.v. Opens to everybody: aws_security_group.g.");
}

TEST(VerdictLineTest, IsOneShortLine) {
  PlanWorld world;
  std::string name(200, 'x');
  for (int i = 0; i < 9; ++i)
    world.Add("aws_db_instance.d" + std::to_string(i), {"delete"}, name + "\n\xE2\x80\xA8y");
  world.plan.mutable_state()->add_without_change(std::string(4000, 'a') + "\r\nb");
  const std::string verdict = world.Verdict();
  EXPECT_LE(verdict.size(), 300u);
  EXPECT_THAT(verdict, Not(HasSubstr("\n")));
  EXPECT_THAT(verdict, Not(HasSubstr("\xE2\x80\xA8")));
}

v1::Action Command(const std::vector<std::string>& argv) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  for (const std::string& argument : argv) action.add_argv(argument);
  return action;
}

std::string VerdictOf(const std::vector<std::string>& argv) {
  const v1::Action action = Command(argv);
  return VerdictLine(action, JudgeCommand(action));
}

TEST(VerdictLineTest, SaysWhatIsSetForACommand) {
  EXPECT_EQ(
      VerdictOf({"env", "PSQLRC=rc.sql", "psql", "-c", "select 1"}),
      "Runs env PSQLRC=rc.sql psql -c select 1: only reads. Sets what makes programs do something else: "
      "PSQLRC.");
  EXPECT_EQ(VerdictOf({"env", "A=b", "ls"}), "Runs env A=b ls: only reads.");
  EXPECT_EQ(VerdictOf({"sh", "-c", "A=b ls"}), "Runs A=b ls: only reads.");
}

TEST(VerdictLineTest, SaysWhatACommandDoes) {
  EXPECT_EQ(VerdictOf({"dropdb", "courses"}), "Runs dropdb courses: destroys a database.");
  EXPECT_EQ(VerdictOf({"psql", "-c", "DROP DATABASE courses"}),
            "Runs psql -c DROP DATABASE courses: destroys data with DROP DATABASE.");
  EXPECT_EQ(VerdictOf({"kubectl", "get", "pods"}), "Runs kubectl get pods: only reads.");
  EXPECT_EQ(VerdictOf({"terraform", "apply", "-auto-approve"}),
            "Runs terraform apply -auto-approve: applies changes that nobody has read.");
  EXPECT_EQ(VerdictOf({"./deploy.sh"}), "Runs ./deploy.sh: what it does cannot be told from its arguments.");
  EXPECT_EQ(VerdictOf({"sh", "-c", "ls && terraform destroy"}),
            "Runs terraform destroy: destroys everything in the state. And runs 1 other program.");
  EXPECT_THAT(VerdictOf({}), Not(IsEmpty()));
}

TEST(VerdictLineTest, IsOneShortLineForCommandsToo) {
  const std::string verdict = VerdictOf({"rm", "a\nb", std::string(5000, 'x')});
  EXPECT_LE(verdict.size(), 300u);
  EXPECT_THAT(verdict, Not(HasSubstr("\n")));
  EXPECT_THAT(verdict, EndsWith(": deletes files."));
}

}  // namespace
}  // namespace countersign::finding
