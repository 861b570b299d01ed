#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_PLAN_FOR_TEST_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_PLAN_FOR_TEST_H_

#include <string>
#include <vector>

#include "countersign/v1/plan.pb.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::testing {

inline constexpr char kPlanProposal[] = "proposals/abcdefghijklmnopqrstuvwx";
inline constexpr char kPlanDigest[] =
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

inline v1::ResourceChange* AddChange(v1::PlanView* plan, const std::string& address,
                                     const std::vector<std::string>& actions) {
  v1::ResourceChange* change = plan->add_resource_changes();
  change->set_address(address);
  change->set_mode("managed");
  for (const std::string& action : actions) change->add_actions(action);
  return change;
}

inline v1::AttributeChange* AddAttribute(v1::ResourceChange* change, const std::string& path,
                                         const std::string& before, const std::string& after) {
  v1::AttributeChange* attribute = change->add_attribute_changes();
  attribute->set_path(path);
  attribute->set_before_json(before);
  attribute->set_after_json(after);
  return attribute;
}

// One of everything.
inline v1::PlanView PlanForTest() {
  v1::PlanView plan;
  plan.set_terraform_version("1.11.4");
  plan.set_engine("terraform");
  plan.set_mode(v1::NORMAL);
  plan.set_applyable(true);
  plan.set_complete(true);
  plan.set_fingerprint("sha256:f00d");
  plan.set_masked_change_count(1);
  v1::ResourceChange* update = AddChange(&plan, "aws_instance.app", {"update"});
  AddAttribute(update, "instance_type", R"("t3.small")", R"("t3.large")");
  AddAttribute(update, "tags.Name", R"("app")", R"("api")");
  AddAttribute(update, "user_data", "", "")->set_masked(true);
  AddAttribute(update, "private_ip", R"("10.0.0.7")", "")->set_after_unknown(true);
  AddAttribute(AddChange(&plan, "aws_s3_bucket.logs", {"create"}), "bucket", "", R"("logs")");
  v1::ResourceChange* replaced = AddChange(&plan, "aws_subnet.a", {"delete", "create"});
  AddAttribute(replaced, "arn", R"("arn:aws:ec2:subnet-1")", "")->set_after_unknown(true);
  AddAttribute(replaced, "cidr_block", R"("10.0.0.0/24")", R"("10.0.1.0/24")");
  replaced->add_replace_paths("cidr_block");
  replaced->set_action_reason("replace_because_cannot_update");
  (*replaced->mutable_identifiers())["id"] = "subnet-1";
  v1::ResourceChange* deleted = AddChange(&plan, "module.db.aws_db_instance.main[0]", {"delete"});
  AddAttribute(deleted, "password", R"("hunter2")", "")->set_masked(true);
  (*deleted->mutable_identifiers())["id"] = "courses-prod";
  (*deleted->mutable_identifiers())["identifier"] = "courses-prod";
  (*deleted->mutable_identifiers())["arn"] = "arn:aws:rds:eu-central-1:1:db:courses-prod";
  AddChange(&plan, "aws_iam_role.old", {"forget"});
  AddChange(&plan, "aws_vpc.main", {"no-op"})->set_previous_address("aws_vpc.default");
  AddChange(&plan, "aws_kms_key.k", {"no-op"})->mutable_importing()->set_id("key-7");
  AddChange(&plan, "aws_route.r", {"no-op"});
  v1::ChangeCounts* counts = plan.mutable_counts();
  counts->set_delete_(1);
  counts->set_replace(1);
  counts->set_forget(1);
  counts->set_update(1);
  counts->set_create(1);
  counts->set_import(1);
  counts->set_move(1);
  counts->set_no_op(1);
  v1::ResourceChange* drift = plan.add_resource_drift();
  drift->set_address("aws_instance.app");
  drift->add_actions("update");
  AddAttribute(drift, "monitoring", "true", "false");
  v1::OutputChange* output = plan.add_output_changes();
  output->set_name("endpoint");
  output->add_actions("update");
  plan.add_target_addresses("module.db");
  v1::PlanState* state = plan.mutable_state();
  state->set_lineage("0a1b2c3d-0000-4000-8000-000000000001");
  state->set_serial(42);
  state->set_resource_count(7);
  state->set_content_digest("sha256:c0ffee");
  plan.mutable_backend()->set_type("s3");
  plan.mutable_backend()->set_workspace("default");
  (*plan.mutable_backend()->mutable_settings())["bucket"] = R"("states")";
  plan.mutable_backend()->add_masked_settings("access_key");
  v1::CodeBlock* block = plan.mutable_configuration()->add_code_blocks();
  block->set_kind("local_exec");
  block->set_file("main.tf");
  block->set_line(12);
  block->set_what("provisioner \"local-exec\" in resource aws_instance.app");
  block->set_detail("./deploy.sh");
  return plan;
}

// With that plan, waiting for a decision.
inline v1::Proposal PlanProposal(const v1::PlanView& plan = PlanForTest()) {
  v1::Proposal proposal;
  proposal.set_name(kPlanProposal);
  proposal.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
  proposal.mutable_action()->set_target("targets/prod-courses");
  v1::ArtifactReference* artifact = proposal.mutable_action()->add_artifacts();
  artifact->set_digest(kPlanDigest);
  artifact->set_size_bytes(7777);
  proposal.set_action_digest(kPlanDigest);
  proposal.set_etag("etag-1");
  proposal.set_environment("production");
  proposal.set_requester("spiffe://example.org/agent/bot");
  proposal.set_reason("all is well, nothing is deleted");
  proposal.set_state(v1::Proposal::PENDING);
  proposal.add_blocked_by("1 approval by dba is missing");
  proposal.set_summary("Deletes 1 database whose data cannot be restored.");
  v1::PlanSummary* summary = proposal.mutable_plan();
  *summary->mutable_counts() = plan.counts();
  summary->set_fingerprint(plan.fingerprint());
  summary->set_lineage(plan.state().lineage());
  summary->set_serial(plan.state().serial());
  v1::Finding* mild = proposal.add_findings();
  mild->set_code("drift-present");
  mild->set_severity(v1::Finding::INFO);
  mild->set_sentence("1 resource has changed outside of Terraform.");
  v1::Finding* worst = proposal.add_findings();
  worst->set_code("database-deleted");
  worst->set_severity(v1::Finding::CRITICAL);
  worst->set_sentence("A database is deleted without a final snapshot.");
  worst->set_resolution("Take a snapshot first, then plan again.");
  worst->set_evidence_omitted(0);
  for (int i = 0; i < 5; ++i) {
    v1::Evidence* evidence = worst->add_evidence();
    evidence->set_address("aws_db_instance.db" + std::to_string(i));
    evidence->set_path("skip_final_snapshot");
    evidence->set_value("true");
  }
  return proposal;
}

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_PLAN_FOR_TEST_H_
