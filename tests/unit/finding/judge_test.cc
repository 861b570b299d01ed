// Every code: what raises it, and what nearly does. Codes of commands are in command_test.cc.
#include "core/finding/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <set>

#include "tests/unit/finding/plan_world.h"

namespace countersign::finding {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1::Finding;

using Edit = std::function<void(PlanWorld&)>;

struct Case {
  std::string code;
  Finding::Severity severity;
  Edit raise;
  Edit miss;
};

// A database that is deleted with everything that keeps its data.
v1::ResourceChange* AddKeptDatabase(PlanWorld& w, const std::vector<std::string>& actions = {"delete"}) {
  v1::ResourceChange* database = w.Add("aws_db_instance.main", actions, "courses");
  Set(database, "skip_final_snapshot", "false");
  Set(database, "delete_automated_backups", "false");
  return database;
}

v1::ResourceChange* Update(PlanWorld& w, const std::string& address, const std::string& path,
                           const std::string& before, const std::string& after) {
  v1::ResourceChange* change = w.Add(address, {"update"}, "thing");
  Set(change, path, before, after);
  return change;
}

void Hide(v1::ResourceChange* change, const std::string& path) {
  v1::AttributeChange* const attribute = change->add_attribute_changes();
  attribute->set_path(path);
  attribute->set_masked(true);
}

std::vector<Case> StateCases() {
  return {
      {"state-missing", Finding::CRITICAL, [](PlanWorld& w) { w.plan.mutable_state()->Clear(); },
       [](PlanWorld& w) {
         w.plan.mutable_state()->Clear();
         w.memory.mutable_state()->Clear();
       }},
      {"state-missing", Finding::CRITICAL,
       [](PlanWorld& w) {  // Some backends begin with a lineage.
         w.plan.mutable_state()->clear_resources();
         w.plan.mutable_state()->set_resource_count(0);
       },
       [](PlanWorld& w) { w.plan.mutable_state()->mutable_resources()->RemoveLast(); }},
      {"state-lineage-changed", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.mutable_state()->set_lineage("lineage-2"); },
       [](PlanWorld& w) { w.plan.mutable_state()->set_serial(7); }},
      {"state-lineage-changed", Finding::CRITICAL,
       [](PlanWorld& w) {  // All was deleted properly, and now there is no state at all.
         w.memory.mutable_state()->clear_resources();
         w.memory.mutable_state()->set_resource_count(0);
         w.plan.mutable_state()->Clear();
       },
       [](PlanWorld& w) {
         w.memory.mutable_state()->Clear();
         w.plan.mutable_state()->Clear();
       }},
      {"state-serial-regressed", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.mutable_state()->set_serial(5); },
       [](PlanWorld& w) {  // Serials of two lineages cannot be compared.
         w.plan.mutable_state()->set_lineage("lineage-2");
         w.plan.mutable_state()->set_serial(5);
       }},
      {"state-content-differs", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.mutable_state()->set_content_digest("sha256:other"); },
       [](PlanWorld& w) {
         w.plan.mutable_state()->set_serial(7);
         w.plan.mutable_state()->set_content_digest("sha256:other");
       }},
      // Refreshing makes the state differ from what is stored; what is stored is compared.
      {"state-content-differs", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.mutable_state()->set_previous_content_digest("sha256:other"); },
       [](PlanWorld& w) {
         w.plan.mutable_state()->set_previous_content_digest(w.plan.state().content_digest());
         w.plan.mutable_state()->set_content_digest("sha256:refreshed");
       }},
      {"state-content-differs", Finding::CRITICAL,  // Whatever moves.
       [](PlanWorld& w) {
         w.plan.mutable_state()->set_content_digest("sha256:other");
         w.Add("aws_vpc.main", {"no-op"})->set_previous_address("aws_vpc.old");
       },
       [](PlanWorld& w) { w.Add("aws_vpc.main", {"no-op"})->set_previous_address("aws_vpc.old"); }},
      {"creates-known-resources", Finding::CRITICAL,
       [](PlanWorld& w) {
         w.AddToMemory("aws_vpc.main", "vpc-1");
         w.Add("aws_vpc.main", {"create"});
       },
       [](PlanWorld& w) {  // Refreshing found it gone.
         w.AddToMemory("aws_vpc.main", "vpc-1");
         w.Add("aws_vpc.main", {"create"});
         v1::ResourceChange* drift = w.plan.add_resource_drift();
         drift->set_address("aws_vpc.main");
         drift->add_actions("delete");
       }},
      {"creates-known-resources", Finding::CRITICAL,
       [](PlanWorld& w) {
         w.AddToMemory("aws_s3_bucket.old", "courses");
         w.Add("aws_s3_bucket.new", {"create"}, "courses");
       },
       [](PlanWorld& w) {
         w.Add("aws_s3_bucket.old", {"delete"}, "courses");
         w.Add("aws_s3_bucket.new", {"create"}, "courses");
       }},
      {"creates-known-resources", Finding::CRITICAL,
       [](PlanWorld& w) {
         w.AddToMemory("aws_s3_bucket.old", "courses");
         w.Add("aws_s3_bucket.new", {"create"}, "courses");
       },
       [](PlanWorld& w) {  // Another type may well have the same name.
         w.AddToMemory("aws_s3_bucket.old", "courses");
         w.Add("aws_db_instance.new", {"create"}, "courses");
       }},
      {"imports-known-resources", Finding::HIGH,
       [](PlanWorld& w) {
         w.AddToMemory("aws_db_instance.main", "courses");
         w.Add("aws_db_instance.main", {"update"})->mutable_importing()->set_id("courses");
       },
       [](PlanWorld& w) {
         w.AddToMemory("aws_db_instance.main", "courses");
         w.Add("aws_db_instance.main", {"update"});
       }},
      {"imports-known-resources", Finding::HIGH,
       [](PlanWorld& w) {
         w.AddToMemory("aws_s3_bucket.old", "courses");
         w.Add("aws_s3_bucket.new", {"create"}, "courses")->mutable_importing()->set_id("courses");
       },
       [](PlanWorld& w) {
         w.AddToMemory("aws_s3_bucket.old", "courses");
         w.Add("aws_s3_bucket.new", {"create"}, "logs")->mutable_importing()->set_id("logs");
       }},
      {"state-shrunk", Finding::WARNING, [](PlanWorld& w) { w.AddToMemory("aws_vpc.main", "vpc-1"); },
       [](PlanWorld& w) {  // It was moved.
         w.AddToMemory("aws_vpc.main", "vpc-1");
         w.AddToState("module.network.aws_vpc.main", "vpc-1");
       }},
      {"state-shrunk", Finding::HIGH,
       [](PlanWorld& w) {
         for (int i = 0; i < 3; ++i) w.AddToMemory("aws_vpc.v" + std::to_string(i), "");
       },
       [](PlanWorld&) {}},
      {"state-advanced-elsewhere", Finding::WARNING,
       [](PlanWorld& w) { w.plan.mutable_state()->set_serial(7); }, [](PlanWorld&) {}},
      {"state-advanced-elsewhere", Finding::WARNING, [](PlanWorld& w) { w.memory.mutable_state()->Clear(); },
       [](PlanWorld& w) { w.plan.mutable_state()->set_lineage("lineage-2"); }},
      {"backend-changed", Finding::HIGH, [](PlanWorld& w) { w.plan.mutable_backend()->set_type("pg"); },
       [](PlanWorld& w) { w.memory.clear_backend(); }},
      {"backend-changed", Finding::HIGH,
       [](PlanWorld& w) { w.plan.mutable_backend()->set_settings_digest("sha256:other"); },
       [](PlanWorld& w) { w.plan.mutable_backend()->set_workspace("other"); }},
      {"workspace-changed", Finding::HIGH,
       [](PlanWorld& w) { w.plan.mutable_backend()->set_workspace("other"); },
       [](PlanWorld& w) { w.plan.mutable_backend()->set_type("pg"); }},
      {"backend-local", Finding::HIGH, [](PlanWorld& w) { w.plan.mutable_backend()->set_type("local"); },
       [](PlanWorld& w) { w.plan.mutable_backend()->set_type("pg"); }},
      {"backend-local", Finding::WARNING,
       [](PlanWorld& w) {
         w.context.environment = "scratch";
         w.plan.mutable_backend()->clear_type();
       },
       [](PlanWorld&) {}},
      {"target-first-seen", Finding::HIGH, [](PlanWorld& w) { w.context.memory = nullptr; },
       [](PlanWorld& w) { w.context.has_target = false; }},
      {"target-first-seen", Finding::WARNING,
       [](PlanWorld& w) {
         w.memory.set_version(0);
         w.context.environment = "scratch";
       },
       [](PlanWorld& w) { w.memory.set_version(1); }},
      {"drift", Finding::INFO, [](PlanWorld& w) { w.plan.add_resource_drift()->set_address("aws_vpc.main"); },
       [](PlanWorld& w) { w.plan.add_resource_drift()->set_mode("data"); }},
      {"gone-not-recreated", Finding::HIGH,
       [](PlanWorld& w) {
         v1::ResourceChange* drift = w.plan.add_resource_drift();
         drift->set_address("aws_vpc.lost");
         drift->add_actions("delete");
       },
       [](PlanWorld& w) {
         v1::ResourceChange* drift = w.plan.add_resource_drift();
         drift->set_address("aws_vpc.lost");
         drift->add_actions("delete");
         w.Add("aws_vpc.lost", {"create"});
       }},
      {"before-differs-from-state", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.add_resource_drift()->add_differs_from_state("id"); },
       [](PlanWorld& w) { w.plan.add_resource_drift(); }},
  };
}

std::vector<Case> ScaleCases() {
  const auto delete_some = [](PlanWorld& w, int count) {
    for (int i = 0; i < count; ++i) w.Add("aws_subnet.s" + std::to_string(i), {"delete"});
  };
  return {
      {"destroys-everything", Finding::CRITICAL,
       [](PlanWorld& w) {
         for (v1::ResourceChange& change : *w.plan.mutable_resource_changes())
           change.set_actions(0, "delete");
       },
       [](PlanWorld& w) {
         for (v1::ResourceChange& change : *w.plan.mutable_resource_changes())
           change.set_actions(0, "delete");
         w.plan.mutable_resource_changes(0)->set_actions(0, "no-op");
       }},
      {"mass-delete", Finding::HIGH, [=](PlanWorld& w) { delete_some(w, 10); },
       [=](PlanWorld& w) { delete_some(w, 8); }},                               // Of 28, and 30 % are 8.4.
      {"mass-delete", Finding::HIGH, [=](PlanWorld& w) { delete_some(w, 9); },  // Of 29.
       [=](PlanWorld& w) { delete_some(w, 2); }},
      {"mass-delete", Finding::HIGH,
       [](PlanWorld& w) {
         for (int i = 0; i < 10; ++i) w.Add("aws_subnet.s" + std::to_string(i), {"delete", "create"});
       },
       [](PlanWorld& w) {
         for (int i = 0; i < 10; ++i) w.Add("aws_subnet.s" + std::to_string(i), {"update"});
       }},
      {"deletes", Finding::WARNING, [=](PlanWorld& w) { delete_some(w, 1); },
       [](PlanWorld& w) { w.Add("data.aws_vpc.main", {"delete"})->set_mode("data"); }},
      {"replaces", Finding::WARNING,
       [](PlanWorld& w) {
         w.Add("aws_subnet.s", {"create", "delete"});
       },
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"delete"}); }},
      {"forgets", Finding::WARNING, [](PlanWorld& w) { w.Add("aws_subnet.s", {"forget"}); },
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"delete"}); }},
      {"forgets", Finding::HIGH,
       [](PlanWorld& w) {
         w.Add("aws_db_instance.main", {"create", "forget"});
       },
       [](PlanWorld&) {}},
      {"deposed-deletes", Finding::WARNING,
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"delete"})->set_deposed("0123abcd"); },
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"no-op"})->set_deposed("0123abcd"); }},
      {"imports", Finding::INFO,
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"no-op"})->mutable_importing()->set_id("subnet-1"); },
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"no-op"}, "subnet-1"); }},
      {"imports", Finding::WARNING,
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"no-op"})->mutable_importing()->set_unknown(true); },
       [](PlanWorld&) {}},
      {"moves", Finding::INFO,
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"no-op"})->set_previous_address("aws_subnet.old"); },
       [](PlanWorld& w) { w.Add("aws_subnet.s", {"update"}); }},
      {"nothing-to-do", Finding::INFO, [](PlanWorld& w) { w.plan.set_mode(v1::NO_CHANGES); },
       [](PlanWorld& w) { w.plan.set_mode(v1::REFRESH_ONLY); }},
  };
}

// A replaced database, with what stays as it is.
v1::ResourceChange* AddReplacedDatabase(PlanWorld& world, const std::string& skip_final_snapshot,
                                        const std::string& delete_automated_backups) {
  v1::ResourceChange* const change = world.Add("aws_db_instance.main", {"delete", "create"}, "courses");
  const auto stays = [change](const std::string& path, const std::string& value) {
    v1::UnchangedAttribute* const attribute = change->add_unchanged_attributes();
    attribute->set_path(path);
    attribute->set_json(value);
  };
  stays("skip_final_snapshot", skip_final_snapshot);
  stays("delete_automated_backups", delete_automated_backups);
  return change;
}

std::vector<Case> DataCases() {
  return {
      {"stateful-delete", Finding::CRITICAL, [](PlanWorld& w) { AddKeptDatabase(w); },
       [](PlanWorld& w) { AddKeptDatabase(w, {"update"}); }},
      {"stateful-delete", Finding::CRITICAL,
       [](PlanWorld& w) {
         AddKeptDatabase(w, {"delete", "create"});
       },
       [](PlanWorld& w) {
         w.Add("aws_lb.main", {"delete", "create"});
       }},
      {"stateful-delete", Finding::CRITICAL,
       [](PlanWorld& w) { AddKeptDatabase(w)->set_deposed("0123abcd"); },
       [](PlanWorld& w) { w.Add("data.aws_db_instance.main", {"delete"})->set_mode("data"); }},
      {"stateful-delete", Finding::HIGH, [](PlanWorld& w) { w.Add("newcloud_sql_thing.main", {"delete"}); },
       [](PlanWorld& w) { w.Add("newcloud_thing.main", {"delete"}); }},
      {"unfamiliar-delete", Finding::WARNING, [](PlanWorld& w) { w.Add("newcloud_thing.main", {"delete"}); },
       [](PlanWorld& w) { w.Add("aws_subnet.main", {"delete"}); }},
      {"final-snapshot-skipped", Finding::CRITICAL,
       [](PlanWorld& w) { AddKeptDatabase(w)->mutable_attribute_changes(0)->set_before_json("true"); },
       [](PlanWorld& w) { AddKeptDatabase(w); }},
      {"final-snapshot-skipped", Finding::CRITICAL,  // Not said is the worst.
       [](PlanWorld& w) { AddKeptDatabase(w)->mutable_attribute_changes()->DeleteSubrange(0, 1); },
       [](PlanWorld& w) { w.Add("aws_s3_bucket.b", {"delete"}); }},
      {"final-snapshot-skipped", Finding::CRITICAL,
       [](PlanWorld& w) { AddKeptDatabase(w)->mutable_attribute_changes(0)->set_masked(true); },
       [](PlanWorld& w) {
         Set(w.Add("aws_elasticache_cluster.c", {"delete"}), "final_snapshot_identifier", "\"last\"");
       }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { AddKeptDatabase(w)->mutable_attribute_changes(1)->set_before_json("true"); },
       [](PlanWorld& w) { AddKeptDatabase(w); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // The provider's default.
       [](PlanWorld& w) { AddKeptDatabase(w)->mutable_attribute_changes()->RemoveLast(); },
       [](PlanWorld& w) { w.Add("aws_s3_bucket.b", {"delete"}); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // Always.
       [](PlanWorld& w) { w.Add("aws_redshift_cluster.c", {"delete"}); },
       [](PlanWorld& w) { w.Add("aws_redshift_cluster.c", {"update"}); }},
      {"bucket-force-destroy", Finding::CRITICAL,
       [](PlanWorld& w) { Set(w.Add("aws_s3_bucket.b", {"delete"}), "force_destroy", "true"); },
       [](PlanWorld& w) { Set(w.Add("aws_s3_bucket.b", {"delete"}), "force_destroy", "false"); }},
      {"bucket-force-destroy", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "force_destroy", "false", "true"); },
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "force_destroy", "true", "false"); }},
      {"bucket-force-destroy", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket.b", "force_destroy", "false", "")
             ->mutable_attribute_changes(0)
             ->set_after_unknown(true);
       },
       [](PlanWorld& w) { Set(w.Add("aws_s3_bucket.b", {"create"}), "force_destroy", "", "true"); }},
      {"final-snapshot-skipped", Finding::CRITICAL,  // Of a replacement, by what stays.
       [](PlanWorld& w) { AddReplacedDatabase(w, "true", "false"); },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "true"); },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // Masked.
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", ""); },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "null"); },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // Absent.
       [](PlanWorld& w) {
         AddReplacedDatabase(w, "false", "false")->mutable_unchanged_attributes()->RemoveLast();
       },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false")->set_unchanged_attributes_omitted(1); },
       [](PlanWorld& w) { AddReplacedDatabase(w, "false", "false"); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // One of two is enough.
       [](PlanWorld& w) {
         Set(AddReplacedDatabase(w, "false", "false"), "delete_automated_backups", "true", "false");
       },
       [](PlanWorld& w) {
         Set(AddReplacedDatabase(w, "false", "false"), "delete_automated_backups", "false", "true");
       }},
      {"final-snapshot-skipped", Finding::CRITICAL,  // The values that stay are left out.
       [](PlanWorld& w) {
         w.Add("aws_db_instance.main", {"delete", "create"});
       },
       [](PlanWorld& w) {
         AddKeptDatabase(w, {"delete", "create"});
       }},
      {"key-deletion", Finding::CRITICAL, [](PlanWorld& w) { w.Add("aws_kms_key.k", {"delete"}); },
       [](PlanWorld& w) { w.Add("aws_kms_alias.k", {"delete"}); }},
  };
}

std::vector<Case> BackupCases() {
  const auto snapshot = [](PlanWorld& w, const std::string& of) {
    Set(w.Add("aws_db_snapshot.nightly", {"delete"}), "db_instance_identifier", of);
  };
  return {
      {"backups-deleted-with-source", Finding::CRITICAL,
       [=](PlanWorld& w) {
         AddKeptDatabase(w);
         snapshot(w, "\"courses\"");
       },
       [=](PlanWorld& w) {
         AddKeptDatabase(w);
         snapshot(w, "\"another\"");
       }},
      {"backups-deleted-with-source", Finding::CRITICAL,
       [=](PlanWorld& w) {
         AddKeptDatabase(w);
         snapshot(w, "\"arn:aws:rds:eu-west-1:123456789012:db:courses\"");
       },
       [=](PlanWorld& w) { snapshot(w, "\"courses\""); }},
      {"backups-deleted-with-source", Finding::CRITICAL,
       [=](PlanWorld& w) {  // Of what is not known.
         AddKeptDatabase(w);
         w.Add("aws_backup_vault.v", {"delete"});
       },
       [=](PlanWorld& w) {
         AddKeptDatabase(w, {"update"});
         w.Add("aws_backup_vault.v", {"delete"});
       }},
      {"backups-deleted-with-source", Finding::CRITICAL,
       [](PlanWorld& w) {
         Set(w.Add("aws_s3_bucket.b", {"delete"}, "logs"), "force_destroy", "true");
         Set(w.Add("aws_s3_bucket_versioning.b", {"delete"}), "bucket", "\"logs\"");
       },
       [](PlanWorld& w) {  // It cannot be deleted before it is empty.
         Set(w.Add("aws_s3_bucket.b", {"delete"}, "logs"), "force_destroy", "false");
         Set(w.Add("aws_s3_bucket_versioning.b", {"delete"}), "bucket", "\"logs\"");
       }},
      {"backups-in-same-state", Finding::HIGH,
       [](PlanWorld& w) {
         AddKeptDatabase(w);
         w.Add("aws_db_snapshot.nightly", {"no-op"});
       },
       [](PlanWorld& w) { w.Add("aws_db_snapshot.nightly", {"no-op"}); }},
  };
}

std::vector<Case> ProtectionCases() {
  const auto protect = [](v1::PlanConfiguration* configuration, const std::string& name) {
    configuration->add_protected_resources(name);
  };
  return {
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "deletion_protection", "true", "false"); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "deletion_protection", "false", "true"); }},
      {"protection-removed", Finding::HIGH,  // Gone is off.
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "deletion_protection", "true", ""); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "instance_class", "true", ""); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_db_instance.d", "deletion_protection", "true", "")
             ->mutable_attribute_changes(0)
             ->set_after_unknown(true);
       },
       [](PlanWorld& w) {
         Update(w, "aws_db_instance.d", "deletion_protection", "false", "")
             ->mutable_attribute_changes(0)
             ->set_after_unknown(true);
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_db_instance.d", "deletion_protection", "", "")
             ->mutable_attribute_changes(0)
             ->set_masked(true);
       },
       [](PlanWorld& w) { Set(w.Add("aws_db_instance.d", {"create"}), "deletion_protection", "", "false"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "backup_retention_period", "30", "1"); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "backup_retention_period", "1", "30"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_versioning.v", "versioning_configuration[0].status", "\"Enabled\"",
                "\"Suspended\"");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_versioning.v", "versioning_configuration[0].status", "\"Suspended\"",
                "\"Enabled\"");
       }},
      {"protection-removed", Finding::HIGH,  // All of the block goes.
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "versioning", "[{\"enabled\":true}]", "[]"); },
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "versioning", "[{\"enabled\":false}]", "[]"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { w.Add("aws_s3_bucket_versioning.v", {"delete"}); },
       [](PlanWorld& w) { w.Add("aws_s3_bucket_cors_configuration.v", {"delete"}); }},
      {"protection-removed", Finding::HIGH,  // A rule that is new removes what is old.
       [](PlanWorld& w) {
         Set(w.Add("aws_s3_bucket_lifecycle_configuration.l", {"create"}), "rule", "",
             "[{\"expiration\":[{\"days\":7}]}]");
       },
       [](PlanWorld& w) {
         Set(w.Add("aws_s3_bucket_lifecycle_configuration.l", {"create"}), "rule", "",
             "[{\"transition\":[{\"days\":7}]}]");
       }},
      {"automated-backups-deleted", Finding::CRITICAL,  // At once, with the database still there.
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "backup_retention_period", "7", "0"); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "backup_retention_period", "7", "1"); }},
      {"automated-backups-deleted", Finding::CRITICAL,  // What is not known is the worst.
       [](PlanWorld& w) {
         Update(w, "aws_db_instance.d", "backup_retention_period", "7", "")
             ->mutable_attribute_changes(0)
             ->set_after_unknown(true);
       },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "backup_retention_period", "7", "14"); }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { Hide(w.Add("aws_db_instance.d", {"update"}), ""); },
       [](PlanWorld& w) { Hide(w.Add("aws_db_instance.d", {"update"}), "password"); }},
      {"public-ingress", Finding::HIGH,
       [](PlanWorld& w) { Hide(w.Add("aws_security_group_rule.r", {"create"}), ""); },
       [](PlanWorld& w) { Hide(w.Add("aws_vpc.v", {"create"}), ""); }},
      {"automated-backups-deleted", Finding::CRITICAL,
       [](PlanWorld& w) { Update(w, "aws_rds_cluster.d", "backup_retention_period", "7", "0"); },
       [](PlanWorld& w) { Update(w, "aws_rds_cluster.d", "backup_retention_period", "0", "7"); }},
      {"protection-removed", Finding::HIGH,  // One rule more, however late it removes what it takes in.
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule", "[{\"expiration\":[{\"days\":30}]}]",
                "[{\"expiration\":[{\"days\":30}]},{\"expiration\":[{\"days\":365}]}]");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule",
                "[{\"expiration\":[{\"days\":30}]},{\"expiration\":[{\"days\":365}]}]",
                "[{\"expiration\":[{\"days\":365}]}]");
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].expiration[0].days", "30", "1");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].expiration[0].days", "1", "30");
       }},
      {"protection-removed", Finding::HIGH,  // Of a rule that stays, only what changes is told.
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].status", "\"Disabled\"",
                "\"Enabled\"");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].status", "\"Enabled\"",
                "\"Disabled\"");
       }},
      {"protection-removed", Finding::HIGH,  // Of a list that is told wholly, rules that only move count not.
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule", "[]",
                "[{\"status\":\"Enabled\",\"expiration\":[{\"date\":\"never\"}]}]");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule", "[]",
                "[{\"status\":\"Enabled\",\"expiration\":[],\"transition\":[{\"days\":7}]}]");
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].filter[0].prefix", "\"logs/old/\"",
                "\"logs/\"");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].filter[0].prefix", "\"logs/\"",
                "\"logs/old/\"");
       }},
      {"protection-removed", Finding::HIGH,  // Without its filter it takes in all.
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule[0].filter", "[{\"prefix\":\"logs/\"}]",
                "[]");
       },
       [](PlanWorld& w) {
         Update(w, "aws_s3_bucket_lifecycle_configuration.l", "rule",
                "[{\"expiration\":[{\"days\":7}],\"filter\":[{\"prefix\":\"logs/\"}]}]", "[]");
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "lifecycle_rule[0].enabled", "false", "true"); },
       [](PlanWorld& w) { Update(w, "aws_s3_bucket.b", "lifecycle_rule[0].enabled", "true", "false"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_dynamodb_table.t", "ttl[0].enabled", "false", "true"); },
       [](PlanWorld& w) { Update(w, "aws_dynamodb_table.t", "ttl[0].enabled", "true", "false"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Set(w.Add("aws_ecr_lifecycle_policy.p", {"create"}), "policy", "", "\"{}\""); },
       [](PlanWorld& w) { Set(w.Add("aws_ecr_repository.p", {"create"}), "name", "", "\"x\""); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_ecr_lifecycle_policy.p", "policy", "\"{}\"", "\"{1}\""); },
       [](PlanWorld& w) { Update(w, "aws_ecr_lifecycle_policy.p", "repository", "\"a\"", "\"b\""); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "google_storage_bucket.b", "lifecycle_rule", "[]",
                "[{\"action\":[{\"type\":\"Delete\"}],\"condition\":[{\"num_newer_versions\":1}]}]");
       },
       [](PlanWorld& w) {
         Update(w, "google_storage_bucket.b", "lifecycle_rule", "[]",
                "[{\"action\":[{\"type\":\"SetStorageClass\"}],\"condition\":[{}]}]");
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) {
         Update(w, "azurerm_storage_management_policy.p", "rule[0].filters[0].prefix_match", "[\"a/b\"]",
                "[\"a/b\",\"c\"]");
       },
       [](PlanWorld& w) {
         Update(w, "azurerm_storage_management_policy.p", "rule[0].filters[0].prefix_match",
                "[\"a/b\",\"c\"]", "[\"a/b\"]");
       }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_cloudwatch_log_group.l", "retention_in_days", "0", "7"); },
       [](PlanWorld& w) { Update(w, "aws_cloudwatch_log_group.l", "retention_in_days", "7", "0"); }},
      {"protection-removed", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "skip_final_snapshot", "false", "true"); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "skip_final_snapshot", "true", "false"); }},
      {"protection-removed", Finding::WARNING,
       [](PlanWorld& w) { w.Add("aws_db_instance.d", {"update"})->set_attribute_changes_omitted(1); },
       [](PlanWorld& w) { w.Add("aws_subnet.d", {"update"})->set_attribute_changes_omitted(1); }},
      {"protection-removed", Finding::HIGH,
       [=](PlanWorld& w) { protect(w.memory.mutable_configuration(), "aws_vpc.main"); },
       [=](PlanWorld& w) {
         protect(w.memory.mutable_configuration(), "aws_vpc.main");
         protect(w.plan.mutable_configuration(), "aws_vpc.main");
       }},
      {"protection-removed", Finding::CRITICAL,  // The configuration in the plan forbids what the plan does.
       [=](PlanWorld& w) {
         protect(w.plan.mutable_configuration(), "network.subnets.aws_subnet.s");
         w.Add("module.network[\"a.b\"].module.subnets[0].aws_subnet.s", {"delete"});
       },
       [=](PlanWorld& w) {
         protect(w.plan.mutable_configuration(), "network.subnets.aws_subnet.s");
         w.Add("module.network.aws_subnet.s", {"delete"});
       }},
  };
}

std::vector<Case> MixedCases() {
  const auto named = [](PlanWorld& w, const std::string& a, const std::string& b) {
    w.context.environment = "";
    w.Add("aws_ecs_service.a", {"no-op"}, a);
    w.Add("aws_ecs_service.b", {"no-op"}, b);
  };
  return {
      {"mixed-environments", Finding::WARNING, [=](PlanWorld& w) { named(w, "courses-prod", "courses-dev"); },
       [=](PlanWorld& w) { named(w, "courses-prod", "productionCourses"); }},
      {"mixed-environments", Finding::WARNING, [=](PlanWorld& w) { named(w, "stg2_courses", "CoursesUat"); },
       [=](PlanWorld& w) { named(w, "latest-devices", "contest"); }},
      {"mixed-environments", Finding::HIGH,  // Another environment than the target's.
       [](PlanWorld& w) {
         w.context.environment = "staging";
         w.Add("aws_db_instance.main", {"delete"}, "courses-prod");
       },
       [](PlanWorld& w) { w.Add("aws_db_instance.main", {"delete"}, "courses-prod"); }},
      {"mixed-environments", Finding::WARNING,
       [](PlanWorld& w) {
         Set(w.Add("aws_vpc.v", {"update"}), "tags.Environment", "\"dev\"", "\"production\"");
       },
       [](PlanWorld& w) { Set(w.Add("aws_vpc.v", {"update"}), "tags.Notes", "\"dev\"", "\"production\""); }},
      {"mixed-environments", Finding::WARNING,
       [](PlanWorld& w) { w.Add("module.staging.aws_vpc.v", {"no-op"}); },
       [](PlanWorld& w) { w.Add("aws_api_gateway_stage.v", {"no-op"}); }},
      {"unrelated-resources", Finding::INFO, [](PlanWorld& w) { w.Add("aws_vpc.v", {"create"}); },
       [](PlanWorld& w) { w.Add("aws_route_table.v", {"create"}); }},
      {"unrelated-resources", Finding::WARNING,
       [](PlanWorld& w) { w.Add("module.blog.aws_route_table.v", {"create"}); },
       [](PlanWorld& w) {
         w.AddToMemory("module.blog[0].aws_route_table.a", "");
         w.Add("module.blog[1].aws_route_table.v", {"create"});
       }},
      {"unrelated-resources", Finding::WARNING, [](PlanWorld& w) { w.AddToState("aws_vpc.v", "vpc-1"); },
       [](PlanWorld& w) {
         w.AddToState("aws_vpc.v", "vpc-1");
         w.AddToMemory("aws_vpc.old", "vpc-1");
       }},
      {"unrelated-resources", Finding::HIGH,
       [](PlanWorld& w) {
         for (int i = 0; i < 20; ++i) w.AddToState("aws_vpc.v" + std::to_string(i), "");
       },
       [](PlanWorld& w) { w.memory.clear_state(); }},
  };
}

std::vector<Case> CodeCases() {
  return {
      {"provisioner", Finding::HIGH,
       [](PlanWorld& w) { w.AddCode("local_exec", "provisioner \"local-exec\"", "rm -rf /"); },
       [](PlanWorld& w) { w.AddCode("check", "check \"health\"", ""); }},
      {"provisioner", Finding::WARNING,  // It was there before.
       [](PlanWorld& w) { w.AddCode("provisioner", "provisioner \"file\"", "\"a\"", true); },
       [](PlanWorld&) {}},
      {"provisioner", Finding::HIGH,  // It was there before, and what it refers to is something else now.
       [](PlanWorld& w) {
         w.AddCode("local_exec", "provisioner \"local-exec\"", "command = local.c", true)
             ->set_digest("sha256:other");
       },
       [](PlanWorld&) {}},
      {"provisioner", Finding::WARNING,  // Its file has changed, and it has not.
       [](PlanWorld& w) {
         w.AddCode("local_exec", "provisioner \"local-exec\"", "PASSWORD=(hidden) ./run", true);
         w.plan.mutable_configuration()->mutable_files(0)->set_digest("sha256:other");
       },
       [](PlanWorld&) {}},
      {"external-program", Finding::HIGH,
       [](PlanWorld& w) { w.AddCode("external", "data \"external\" \"x\"", "[\"sh\"]"); },
       [](PlanWorld& w) { w.AddCode("http", "data \"http\" \"x\"", "\"https://example.com\""); }},
      {"external-program", Finding::WARNING,
       [](PlanWorld& w) { w.AddCode("external", "data \"external\" \"x\"", "", true); }, [](PlanWorld&) {}},
      {"reaches-out", Finding::WARNING,
       [](PlanWorld& w) { w.AddCode("http", "data \"http\" \"x\"", "\"https://example.com\""); },
       [](PlanWorld& w) { w.AddCode("moved", "moved", ""); }},
      {"reads-runner-files", Finding::HIGH,
       [](PlanWorld& w) { w.AddCode("file_function", "file() in output \"o\"", "\"/etc/hostname\""); },
       [](PlanWorld& w) { w.AddCode("removed", "removed", ""); }},
      {"reads-runner-files", Finding::WARNING,
       [](PlanWorld& w) { w.AddCode("file_function", "file() in output \"o\"", "\"motd.txt\""); },
       [](PlanWorld&) {}},
      {"action-invocation", Finding::HIGH,
       [](PlanWorld& w) { w.plan.add_action_invocations()->set_address("action.aws_lambda_invoke.a"); },
       [](PlanWorld& w) { w.AddCode("action", "action \"aws_lambda_invoke\" \"a\"", ""); }},
      {"provider-changed", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->mutable_code_blocks(0)->set_detail("sha256:elsewhere");
       },
       [](PlanWorld& w) { w.plan.mutable_configuration()->mutable_code_blocks(0)->set_line(99); }},
      {"provider-changed", Finding::HIGH,  // What it refers to is something else now.
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->mutable_code_blocks(0)->set_digest("sha256:elsewhere");
       },
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->set_digest("sha256:other");
         w.plan.mutable_configuration()->mutable_files(0)->set_digest("sha256:other");
       }},
      {"provider-changed", Finding::HIGH,
       [](PlanWorld& w) { w.plan.mutable_configuration()->clear_code_blocks(); },
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->clear_code_blocks();
         w.context.memory = nullptr;
       }},
      {"module-source-changed", Finding::HIGH,
       [](PlanWorld& w) { w.plan.mutable_configuration()->mutable_modules(0)->set_source("git::elsewhere"); },
       [](PlanWorld& w) { w.plan.mutable_configuration()->mutable_modules(0)->set_digest("sha256:other"); }},
      {"module-source-changed", Finding::WARNING,
       [](PlanWorld& w) { w.plan.mutable_configuration()->add_modules()->set_key("new"); },
       [](PlanWorld& w) { w.plan.mutable_configuration()->clear_modules(); }},
      {"lock-file-changed", Finding::WARNING,
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->set_lock_file_digest("sha256:other");
         w.plan.mutable_configuration()->mutable_providers(0)->set_version("5.2.0");
       },
       [](PlanWorld&) {}},
      {"lock-file-changed", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->set_lock_file_digest("sha256:other");
         w.plan.mutable_configuration()->mutable_providers(0)->set_hashes(0, "h1:two");
       },
       [](PlanWorld&) {}},
      {"lock-file-changed", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->set_lock_file_digest("sha256:other");
         w.plan.mutable_configuration()->add_providers()->set_source("registry.terraform.io/evil/aws");
       },
       [](PlanWorld&) {}},
      {"configuration-changed", Finding::INFO,
       [](PlanWorld& w) {
         w.plan.mutable_configuration()->set_digest("sha256:other");
         w.plan.mutable_configuration()->mutable_files(0)->set_digest("sha256:other");
       },
       [](PlanWorld& w) { w.memory.clear_configuration(); }},
  };
}

std::vector<Case> IntegrityCases() {
  const auto marked = [](PlanWorld& w, bool added) {
    v1::AttributeChange* attribute = Set(w.Add("aws_vpc.v", {"update"}), "cidr_block", "", "");
    attribute->set_masked(true);
    attribute->set_sensitivity_added(added);
  };
  const auto unknown = [](PlanWorld& w, const std::vector<std::string>& actions) {
    Set(w.Add("aws_vpc.v", actions), "cidr_block", "\"10.0.0.0/8\"", "")->set_after_unknown(true);
  };
  const auto constant = [](PlanWorld& w, const std::vector<std::string>& actions) {
    v1::ResourceChange* const change = w.Add("aws_db_instance.d", actions);
    change->add_unknown_constants("allocated_storage");
    return change;
  };
  const auto data = [](PlanWorld& w) {
    v1::ResourceChange* change = w.plan.add_data_changes();
    change->set_address("data.aws_ami.a");
    change->add_attribute_changes()->set_path("id");
  };
  const auto drift = [](PlanWorld& w, const char* before, const char* after) {
    v1::ResourceChange* change = w.plan.add_resource_drift();
    change->set_address("aws_db_instance.d");
    change->set_mode("managed");
    change->set_type("aws_db_instance");
    change->add_actions("update");
    Set(change, "backup_retention_period", before, after);
  };
  const auto made = [](PlanWorld& w, absl::Duration ago) {
    w.plan.mutable_timestamp()->set_seconds(absl::ToUnixSeconds(w.context.now - ago));
  };
  return {
      {"before-differs-from-state", Finding::CRITICAL,
       [](PlanWorld& w) {
         w.Add("aws_db_instance.scratch", {"delete"}, "prod")->add_differs_from_state("identifier");
       },
       [](PlanWorld& w) { w.Add("aws_db_instance.scratch", {"delete"}, "prod"); }},
      {"state-object-without-change", Finding::CRITICAL,
       [](PlanWorld& w) { w.plan.mutable_state()->add_without_change("aws_vpc.main"); },
       [](PlanWorld& w) { w.Add("aws_vpc.main", {"no-op"}); }},
      {"provider-differs-from-state", Finding::HIGH,
       [](PlanWorld& w) { w.Add("aws_db_instance.a", {"delete"}, "prod")->mutable_provider_change(); },
       [](PlanWorld& w) { w.Add("aws_db_instance.a", {"no-op"}, "prod")->mutable_provider_change(); }},
      {"data-changed", Finding::WARNING, [&](PlanWorld& w) { data(w); },
       [](PlanWorld& w) { w.plan.add_data_changes()->set_address("data.aws_ami.a"); }},
      {"data-changed", Finding::HIGH,
       [&](PlanWorld& w) {
         data(w);
         w.AddCode("provisioner", "provisioner \"local-exec\"", "\"echo ${data.aws_ami.a.id}\"", true);
       },
       [](PlanWorld&) {}},
      {"changes-omitted", Finding::HIGH,
       [](PlanWorld& w) { w.Add("aws_vpc.v", {"update"})->set_attribute_changes_omitted(1); },
       [](PlanWorld& w) { w.Add("aws_vpc.v", {"update"}); }},
      {"drift-weakens", Finding::HIGH, [&](PlanWorld& w) { drift(w, "7", "0"); },
       [&](PlanWorld& w) { drift(w, "0", "7"); }},
      {"drift-weakens", Finding::HIGH, [&](PlanWorld& w) { drift(w, "7", "0"); },
       [&](PlanWorld& w) {  // And the plan makes it as it was.
         drift(w, "7", "0");
         Set(w.Add("aws_db_instance.d", {"update"}), "backup_retention_period", "0", "7");
       }},
      {"plan-errored", Finding::CRITICAL, [](PlanWorld& w) { w.plan.set_errored(true); }, [](PlanWorld&) {}},
      {"plan-errored", Finding::CRITICAL, [](PlanWorld& w) { w.plan.set_applyable(false); },
       [](PlanWorld& w) {  // OpenTofu does not say.
         w.plan.set_applyable(false);
         w.plan.set_engine("tofu");
       }},
      {"plan-errored", Finding::CRITICAL, [](PlanWorld& w) { w.plan.set_applyable(false); },
       [](PlanWorld& w) {
         w.plan.set_applyable(false);
         w.plan.set_mode(v1::NO_CHANGES);
       }},
      {"engine-mismatch", Finding::CRITICAL, [](PlanWorld& w) { w.plan.set_engine("tofu"); },
       [](PlanWorld& w) {
         w.plan.set_engine("tofu");
         w.context.engine = "";
       }},
      {"engine-mismatch", Finding::CRITICAL,
       [](PlanWorld& w) {  // It names no program.
         w.plan.clear_engine();
         w.plan.clear_resource_changes();
       },
       [](PlanWorld& w) { w.plan.clear_engine(); }},  // Its providers come from Terraform's registry.
      {"declared-mode-contradicted", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.set_declared_mode("destroy");
         w.Add("aws_vpc.v", {"update"});
       },
       [](PlanWorld& w) {
         w.plan.set_declared_mode("destroy");
         w.plan.set_mode(v1::DESTROY);
         w.Add("aws_vpc.v", {"delete"});
       }},
      {"declared-mode-contradicted", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.set_declared_mode("destroy");
         w.Add("aws_vpc.v", {"delete"});
       },
       [](PlanWorld& w) {
         w.plan.set_declared_mode("destroy");
         w.plan.add_target_addresses("aws_vpc.v");
         w.Add("aws_vpc.v", {"delete"});
       }},
      {"declared-mode-contradicted", Finding::HIGH,
       [](PlanWorld& w) {
         w.plan.set_declared_mode("refresh-only");
         w.Add("aws_vpc.v", {"delete"});
       },
       [](PlanWorld& w) { w.plan.set_declared_mode("refresh-only"); }},
      {"declared-mode-contradicted", Finding::WARNING, [](PlanWorld& w) { w.plan.set_mode(v1::DESTROY); },
       [](PlanWorld& w) {
         w.plan.set_mode(v1::DESTROY);
         w.plan.set_declared_mode("destroy");
       }},
      {"sensitivity-added", Finding::HIGH, [=](PlanWorld& w) { marked(w, true); },
       [=](PlanWorld& w) { marked(w, false); }},
      {"sensitivity-added", Finding::HIGH, [](PlanWorld& w) { Hide(w.Add("aws_vpc.v", {"create"}), ""); },
       [](PlanWorld& w) { Hide(w.Add("aws_vpc.v", {"create"}), "password"); }},
      {"sensitivity-added", Finding::WARNING, [](PlanWorld& w) { w.plan.set_masked_change_count(10); },
       [](PlanWorld& w) {
         w.plan.set_masked_change_count(10);
         v1::ResourceChange* change = w.Add("aws_vpc.v", {"update"});
         for (int i = 0; i < 11; ++i) Set(change, "a" + std::to_string(i), "1", "2");
       }},
      {"unknown-after", Finding::WARNING, [=](PlanWorld& w) { unknown(w, {"update"}); },
       [=](PlanWorld& w) {
         unknown(w, {"delete", "create"});
       }},
      {"unknown-after", Finding::WARNING, [=](PlanWorld& w) { unknown(w, {"update"}); },
       [](PlanWorld& w) { Set(w.Add("aws_vpc.v", {"update"}), "arn", "", "")->set_after_unknown(true); }},
      {"unknown-after", Finding::HIGH, [=](PlanWorld& w) { constant(w, {"create"}); },
       [](PlanWorld& w) { w.Add("aws_db_instance.d", {"create"}); }},
      {"unknown-after", Finding::HIGH,
       [=](PlanWorld& w) {
         constant(w, {"delete", "create"});
       },
       [=](PlanWorld& w) {
         unknown(w, {"delete", "create"});
       }},
      {"unknown-after", Finding::HIGH, [=](PlanWorld& w) { constant(w, {"read"})->set_mode("data"); },
       [](PlanWorld& w) { w.Add("aws_ami.a", {"read"})->set_mode("data"); }},
      {"plan-incomplete", Finding::WARNING, [](PlanWorld& w) { w.plan.add_target_addresses("aws_vpc.v"); },
       [](PlanWorld& w) { w.plan.add_force_replace_addresses("aws_vpc.v"); }},
      {"plan-incomplete", Finding::WARNING, [](PlanWorld& w) { w.plan.set_complete(false); },
       [](PlanWorld& w) {
         w.plan.set_complete(false);
         w.plan.set_engine("tofu");
       }},
      {"plan-incomplete", Finding::WARNING, [](PlanWorld& w) { w.plan.add_deferred_changes(); },
       [](PlanWorld&) {}},
      {"plan-old", Finding::WARNING, [=](PlanWorld& w) { made(w, absl::Hours(24) + absl::Seconds(1)); },
       [=](PlanWorld& w) { made(w, absl::Hours(24)); }},
      {"plan-old", Finding::HIGH, [=](PlanWorld& w) { made(w, -absl::Minutes(5) - absl::Seconds(1)); },
       [=](PlanWorld& w) { made(w, -absl::Minutes(5)); }},
      {"plan-old", Finding::WARNING, [](PlanWorld& w) { w.plan.clear_timestamp(); }, [](PlanWorld&) {}},
      {"checks-failed", Finding::WARNING, [](PlanWorld& w) { w.plan.add_checks()->set_status("fail"); },
       [](PlanWorld& w) { w.plan.add_checks()->set_status("pass"); }},
  };
}

std::vector<Case> AccessCases() {
  const auto policy = [](PlanWorld& w, const std::string& json) {
    Set(w.Add("aws_iam_policy.p", {"update"}), "policy", "", json);
  };
  const auto member = [](PlanWorld& w, const std::string& name) {
    Set(w.Add("google_storage_bucket_iam_member.m", {"create"}), "member", "", name);
  };
  return {
      {"iam-wildcard", Finding::HIGH,
       [=](PlanWorld& w) {
         policy(w, R"("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}")");
       },
       [=](PlanWorld& w) {
         policy(w, R"("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}")");
       }},
      {"iam-wildcard", Finding::HIGH,
       [=](PlanWorld& w) {
         policy(w, R"("{\"Statement\":{\"Effect\":\"Allow\",\"action\":[\"s3:*\"],\"Resource\":\"*\"}}")");
       },
       [=](PlanWorld& w) {
         policy(
             w,
             R"("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::a\"}}")");
       }},
      {"iam-wildcard", Finding::WARNING,
       [](PlanWorld& w) {
         Set(w.Add("aws_iam_policy.p", {"create"}), "policy", "", "")->set_after_unknown(true);
       },
       [](PlanWorld& w) {
         Set(w.Add("aws_iam_policy.p", {"create"}), "arn", "", "")->set_after_unknown(true);
       }},
      {"iam-wildcard", Finding::HIGH,
       [](PlanWorld& w) {
         Set(w.Add("azurerm_role_assignment.r", {"create"}), "role_definition_name", "", "\"Owner\"");
       },
       [](PlanWorld& w) {
         Set(w.Add("azurerm_role_assignment.r", {"create"}), "role_definition_name", "", "\"Reader\"");
       }},
      {"iam-wildcard", Finding::HIGH,
       [](PlanWorld& w) { Set(w.Add("kubernetes_role.r", {"create"}), "rule[0].verbs[0]", "", "\"*\""); },
       [](PlanWorld& w) { Set(w.Add("kubernetes_role.r", {"create"}), "rule[0].verbs[0]", "", "\"get\""); }},
      {"public-ingress", Finding::HIGH,
       [](PlanWorld& w) {
         Set(w.Add("aws_security_group.g", {"create"}), "ingress", "",
             R"([{"cidr_blocks":["10.0.0.0/8","0.0.0.0/0"]}])");
       },
       [](PlanWorld& w) {
         Set(w.Add("aws_security_group.g", {"create"}), "egress", "", R"([{"cidr_blocks":["0.0.0.0/0"]}])");
       }},
      {"public-ingress", Finding::HIGH,
       [](PlanWorld& w) {
         Set(w.Add("aws_security_group.g", {"create"}), "ingress", "", R"([{"cidr_blocks":["64.0.0.0/2"]}])");
       },
       [](PlanWorld& w) {
         Set(w.Add("aws_security_group.g", {"create"}), "ingress", "", R"([{"cidr_blocks":["10.0.0.0/8"]}])");
       }},
      {"public-ingress", Finding::HIGH,
       [](PlanWorld& w) {
         Set(w.Add("aws_security_group_rule.g", {"update"}), "cidr_blocks[0]", "", "\"0.0.0.0/0\"");
       },
       [](PlanWorld& w) {
         v1::ResourceChange* rule = w.Add("aws_security_group_rule.g", {"create"});
         Set(rule, "cidr_blocks[0]", "", "\"0.0.0.0/0\"");
         Set(rule, "type", "", "\"egress\"");
       }},
      {"public-ingress", Finding::HIGH,
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "publicly_accessible", "false", "true"); },
       [](PlanWorld& w) { Update(w, "aws_db_instance.d", "publicly_accessible", "true", "false"); }},
      {"public-bucket", Finding::HIGH, [=](PlanWorld& w) { member(w, "\"allUsers\""); },
       [=](PlanWorld& w) { member(w, "\"user:ann@example.com\""); }},
      {"public-bucket", Finding::HIGH,
       [](PlanWorld& w) { w.Add("aws_s3_bucket_public_access_block.b", {"delete"}); },
       [](PlanWorld& w) {
         w.Add("aws_s3_bucket_public_access_block.b", {"delete", "create"});
       }},
      {"public-bucket", Finding::HIGH,
       [](PlanWorld& w) {
         Set(w.Add("aws_s3_bucket_policy.b", {"create"}), "policy", "",
             R"("{\"Statement\":[{\"Principal\":{\"AWS\":[\"*\"]},\"Action\":\"s3:GetObject\"}]}")");
       },
       [](PlanWorld& w) {
         Set(w.Add("aws_s3_bucket_policy.b", {"create"}), "policy", "",
             R"("{\"Statement\":[{\"Principal\":{\"AWS\":[\"arn:x\"]},\"Action\":\"s3:GetObject\"}]}")");
       }},
  };
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const auto& group : {StateCases(), ScaleCases(), DataCases(), BackupCases(), ProtectionCases(),
                            MixedCases(), CodeCases(), IntegrityCases(), AccessCases()}) {
    cases.insert(cases.end(), group.begin(), group.end());
  }
  return cases;
}

TEST(JudgePlanTest, FindsNothingInAQuietPlan) { EXPECT_THAT(CodesOf(PlanWorld().Judge()), IsEmpty()); }

TEST(JudgePlanTest, RaisesEachCodeAndSparesWhatIsOnlyNear) {
  int position = 0;
  for (const Case& one : AllCases()) {
    SCOPED_TRACE(one.code + ", case " + std::to_string(position++));
    PlanWorld raised;
    one.raise(raised);
    const Finding* finding = raised.Find(one.code);
    ASSERT_NE(finding, nullptr) << testing::PrintToString(CodesOf(raised.Judge()));
    EXPECT_EQ(finding->severity(), one.severity) << finding->ShortDebugString();
    EXPECT_THAT(finding->sentence(), Not(IsEmpty()));
    EXPECT_THAT(finding->resolution(), Not(IsEmpty()));
    PlanWorld missed;
    one.miss(missed);
    EXPECT_EQ(missed.Find(one.code), nullptr) << missed.Find(one.code)->ShortDebugString();
  }
}

TEST(JudgePlanTest, HasACaseForEachCode) {
  std::set<std::string> raised;
  for (const Case& one : AllCases()) raised.insert(one.code);
  for (const RuleDescription& rule : RuleTable()) {
    if (rule.group != "Commands") {
      EXPECT_THAT(raised, Contains(std::string(rule.code)));
    }
  }
}

TEST(JudgePlanTest, KeepsToTheTableInOrderAndSeverity) {
  for (const Case& one : AllCases()) {
    PlanWorld world;
    one.raise(world);
    const std::vector<Finding> findings = world.Judge();
    for (size_t i = 0; i < findings.size(); ++i) {
      const RuleDescription* rule = FindRule(findings[i].code());
      ASSERT_NE(rule, nullptr) << findings[i].code();
      EXPECT_LE(findings[i].severity(), rule->severity) << findings[i].code();
      EXPECT_EQ(findings[i].resolution(), rule->resolution);
      if (i == 0) continue;
      EXPECT_GE(findings[i - 1].severity(), findings[i].severity());
      if (findings[i - 1].severity() == findings[i].severity()) {
        EXPECT_LT(FindRule(findings[i - 1].code()), rule);
      }
    }
  }
}

TEST(JudgePlanTest, ShowsTwentyPlacesAndCountsTheOthers) {
  PlanWorld world;
  for (int i = 0; i < 25; ++i) world.Add("aws_subnet.s" + std::to_string(i), {"delete"});
  const Finding* finding = world.Find("deletes");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->evidence_size(), 20);
  EXPECT_EQ(finding->evidence_omitted(), 5);
  EXPECT_THAT(finding->sentence(), HasSubstr("and 23 more"));
}

TEST(JudgePlanTest, CutsEvidenceToWholeCharacters) {
  PlanWorld world;
  world.plan.add_checks()->set_status("error");
  std::string problem;
  for (int i = 0; i < 200; ++i) problem += "\xC3\xA9";
  world.plan.mutable_checks(0)->add_problems(problem);
  const std::string& value = world.Find("checks-failed")->evidence(0).value();
  EXPECT_LE(value.size(), 256u);
  EXPECT_TRUE(value.ends_with("\xC3\xA9..."));
}

TEST(JudgePlanTest, NeverShowsMaskedValues) {
  PlanWorld world;
  v1::ResourceChange* change = world.Add("aws_db_instance.d", {"update"});
  v1::AttributeChange* attribute = Set(change, "deletion_protection", "\"hunter2\"", "\"hunter2\"");
  attribute->set_masked(true);
  attribute->set_after_unknown(true);
  attribute->set_before_digest("sha256:x");
  for (const Finding& finding : world.Judge()) EXPECT_THAT(finding.DebugString(), Not(HasSubstr("hunter2")));
}

TEST(JudgePlanTest, SaysOnceWhatIsUnknownAndSetToAConstant) {
  PlanWorld world;
  v1::ResourceChange* const change = world.Add("aws_db_instance.d", {"update"}, "courses-prod");
  change->add_unknown_constants("allocated_storage");
  Set(change, "allocated_storage", "20")->set_after_unknown(true);
  Set(change, "engine_version", "\"16.1\"")->set_after_unknown(true);
  const Finding* const finding = world.Find("unknown-after");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->sentence(),
            "Calls unknown until it is applied what the configuration sets to a constant, as if the plan was "
            "edited: allocated_storage of courses-prod.");
  ASSERT_EQ(finding->evidence_size(), 2);
  EXPECT_EQ(finding->evidence(0).address(), "aws_db_instance.d");
  EXPECT_EQ(finding->evidence(0).path(), "allocated_storage");
  EXPECT_EQ(finding->evidence(1).path(), "engine_version");
}

TEST(JudgePlanTest, LeavesNamesAsTheyAre) {
  PlanWorld world;
  world.Add("aws_subnet.s", {"delete"}, "a\x1b[31mb\n");
  EXPECT_THAT(world.Find("deletes")->sentence(), HasSubstr("a\x1b[31mb\n"));
}

TEST(JudgePlanTest, OfflineJudgesOnlyWhatNeedsNoMemory) {
  PlanWorld world;
  world.context.has_target = false;
  world.plan.mutable_state()->set_lineage("another");
  world.plan.mutable_state()->set_serial(1);
  EXPECT_THAT(CodesOf(world.Judge()), IsEmpty());
}

TEST(JudgePlanTest, AnswersForAnEmptyView) {
  EXPECT_THAT(JudgePlan(v1::PlanView(), PlanContext()), Not(IsEmpty()));
  EXPECT_THAT(VerdictLine(v1::PlanView(), {}, nullptr), Not(IsEmpty()));
}

// A quadratic loop over this takes minutes.
TEST(JudgePlanTest, TakesFiftyThousandChangesInItsStride) {
  PlanWorld world;
  for (int i = 0; i < 50'000; ++i) {
    const std::string number = std::to_string(i);
    const bool new_one = i % 3 == 0;
    v1::ResourceChange* change = world.Add("module.m[\"" + number + "\"].aws_db_instance.d",
                                           {new_one      ? "create"
                                            : i % 3 == 1 ? "update"
                                                         : "delete"},
                                           "db" + number);
    Set(change, "deletion_protection", "true", "false");
    Set(change, "tags.Name", "\"prod\"", "\"dev\"");
    change->add_differs_from_state("identifier");
    if (i % 3 == 2)
      Set(world.Add("aws_db_snapshot.s" + number, {"delete"}), "db_instance_identifier", "\"x\"");
  }
  const std::clock_t begin = std::clock();
  const std::vector<Finding> findings = world.Judge();
  EXPECT_LE(VerdictLine(world.plan, findings, world.context.memory).size(), 300u);
  EXPECT_LT((std::clock() - begin) / CLOCKS_PER_SEC, 20);
  EXPECT_NE(world.Find("mass-delete"), nullptr);
}

TEST(RuleTableTest, IsWhollyFilledIn) {
  std::set<std::string_view> codes;
  for (const RuleDescription& rule : RuleTable()) {
    SCOPED_TRACE(rule.code);
    EXPECT_TRUE(codes.insert(rule.code).second);
    EXPECT_THAT(std::string(rule.code), testing::MatchesRegex("[a-z][a-z0-9-]*"));
    EXPECT_NE(rule.severity, Finding::SEVERITY_UNSPECIFIED);
    EXPECT_TRUE(rule.explanation.ends_with("."));
    EXPECT_TRUE(rule.resolution.ends_with("."));
    EXPECT_EQ(FindRule(rule.code), &rule);
  }
  EXPECT_EQ(FindRule("no-such-code"), nullptr);
}

TEST(RuleTableTest, ForbidsWhatOnlyPolicyMayPermit) {
  std::set<std::string_view> forbidden;
  for (const RuleDescription& rule : RuleTable()) {
    if (rule.forbidden_by_default) forbidden.insert(rule.code);
  }
  EXPECT_EQ(forbidden,
            (std::set<std::string_view>{
                "state-missing", "state-lineage-changed", "state-serial-regressed", "state-content-differs",
                "creates-known-resources", "before-differs-from-state", "state-object-without-change",
                "plan-errored", "unsaved-plan", "unread-plan", "engine-mismatch", "destroys-everything",
                "automated-backups-deleted", "backups-deleted-with-source"}));
}

}  // namespace
}  // namespace countersign::finding
