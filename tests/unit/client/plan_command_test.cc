// Whole command lines about plans: submit, show, approve, list.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/terminal_text.h"
#include "core/error/error.h"
#include "tests/unit/client/plan_for_test.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign {
namespace {

using ::testing::_;
using testing::AddAttribute;
using testing::AddChange;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPlanDigest;
using testing::kPlanProposal;
using ::testing::Not;
using testing::PlanForTest;
using testing::PlanProposal;
using ::testing::Return;
using ::testing::StartsWith;

constexpr char kId[] = "abcdefghijklmnopqrstuvwx";

class PlanCommandTest : public ::testing::Test {
 protected:
  // What the broker answers until the next command line has run.
  void Serve(const v1::Proposal& proposal, const v1::PlanView& plan) {
    ON_CALL(*line_.client, GetProposal(kPlanProposal, _)).WillByDefault(Return(proposal));
    ON_CALL(*line_.client, GetPlanView(kPlanProposal, _)).WillByDefault(Return(plan));
  }
  std::string Card(const std::vector<std::string>& arguments, const v1::PlanView& plan) {
    Serve(PlanProposal(plan), plan);
    EXPECT_EQ(line_.Run(arguments), 0) << line_.err.str();
    return line_.out.str();
  }

  testing::CommandLine line_;
};

TEST_F(PlanCommandTest, TheCardTellsTheWorstFirst) {
  const std::string card = Card({"show", kId}, PlanForTest());
  const std::string expected =
      R"(Verdict      Deletes 1 database whose data cannot be restored.
  CRITICAL   database-deleted: A database is deleted without a final snapshot.
               aws_db_instance.db0 skip_final_snapshot: true
               aws_db_instance.db1 skip_final_snapshot: true
               aws_db_instance.db2 skip_final_snapshot: true
               2 more; --full shows them
             What to do: Take a snapshot first, then plan again.
  INFO       drift-present: 1 resource has changed outside of Terraform.

Plan         1 to delete, 1 to replace, 1 to forget, 1 to update, 1 to create,
           … 1 to import, 1 to move, 1 unchanged
  DELETE     module.db.aws_db_instance.main[0]  id=courses-prod
           … arn=arn:aws:rds:eu-central-1:1:db:courses-prod
  REPLACE    aws_subnet.a  id=subnet-1, deleted before the new one is created,
           … because of cidr_block (replace_because_cannot_update)
               cidr_block: "10.0.0.0/24" -> "10.0.1.0/24"
               arn: "arn:aws:ec2:subnet-1" -> (known after apply)
  FORGET     aws_iam_role.old
  update     aws_instance.app
               instance_type: "t3.small" -> "t3.large"
               tags.Name: "app" -> "api"
               user_data: (sensitive, changes)
               1 more attribute; --full shows all
  create     aws_s3_bucket.logs
  import     aws_kms_key.k, imported by the id key-7
  move       aws_vpc.main, moved from aws_vpc.default
Drift        has changed outside of Terraform since the last apply:
  drift      aws_instance.app
               monitoring: true -> false
  output     endpoint, update
-target      module.db
From state   lineage 0a1b2c3d, serial 42, 7 resources
Kept in      s3, workspace default, bucket="states"; not shown: access_key
Sensitive    1 value not shown
Code         1 local_exec; --full shows them
Made by      terraform 1.11.4

Proposal     abcdefghijklmnopqrstuvwx
State        PENDING
Target       targets/prod-courses, environment production
Runs         terraform apply of the saved plan
)";
  EXPECT_EQ(card.substr(0, expected.size()), expected);
  EXPECT_THAT(card, HasSubstr("the requester, says (nobody has checked it):\n    > all is well"));
  EXPECT_LT(card.find(kPlanDigest), card.find("all is well"));
}

TEST_F(PlanCommandTest, InFullEverythingIsShownButNoSecret) {
  const std::string card = Card({"show", kId, "--full"}, PlanForTest());
  EXPECT_THAT(card, AllOf(HasSubstr("private_ip: \"10.0.0.7\" -> (known after apply)\n"),
                          HasSubstr("aws_db_instance.db4 skip_final_snapshot"),
                          HasSubstr("               password: (sensitive)\n"),
                          HasSubstr("               bucket: \"logs\"\n"),
                          HasSubstr("lineage 0a1b2c3d-0000-4000-8000-000000000001"),
                          HasSubstr("identifier=courses-prod"), HasSubstr("main.tf:12: ./deploy.sh")));
  EXPECT_THAT(card, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("--full shows"))));
}

TEST_F(PlanCommandTest, WhatNobodyMayApproveIsSaidWithWhatToDo) {
  v1::Proposal proposal = PlanProposal();
  proposal.mutable_requirement()->add_forbidden_findings("database-deleted");
  Serve(proposal, PlanForTest());
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("What to do: "))) << "twice";
  EXPECT_THAT(line_.out.str(), StartsWith("Verdict      Deletes 1 database whose data cannot be restored.\n"
                                          "STOP         nobody may approve this: database-deleted\n"
                                          "             Take a snapshot first, then plan again.\n"
                                          "  CRITICAL   database-deleted: "));
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"approve", kId}, {"approve", kId, "--digest", kPlanDigest}}) {
    line_.terminal.answer = "yes";
    Serve(proposal, PlanForTest());
    EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
    EXPECT_EQ(line_.Run(line), 6);
    EXPECT_THAT(line_.terminal.questions, IsEmpty());
    EXPECT_THAT(line_.err.str(), HasSubstr("nobody may approve this, because of database-deleted"));
  }
}

TEST_F(PlanCommandTest, ApproveShowsTheCardAndSendsBackItsDigest) {
  line_.terminal.answer = "yes";
  Serve(PlanProposal(), PlanForTest());
  EXPECT_CALL(*line_.client, Approve(_, _)).WillOnce([](const auto& request, const auto&) {
    EXPECT_EQ(request.action_digest(), kPlanDigest);
    EXPECT_EQ(request.etag(), "etag-1");
    return PlanProposal();
  });
  EXPECT_EQ(line_.Run({"approve", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("  DELETE     module.db.aws_db_instance.main[0]  id=courses-prod"));
  EXPECT_THAT(line_.terminal.questions.back(),
              AllOf(StartsWith("Verdict      Deletes 1 database"), HasSubstr("\nPlan         1 to delete, "),
                    HasSubstr("Target       targets/prod-courses"), HasSubstr(kPlanDigest)));
}

TEST_F(PlanCommandTest, WhatCannotBeFetchedIsSaidAndNeverApproved) {
  const auto serve = [&] {
    ON_CALL(*line_.client, GetProposal(_, _)).WillByDefault(Return(PlanProposal()));
    ON_CALL(*line_.client, GetPlanView(_, _))
        .WillByDefault(Return(error::Make(v1::DATABASE_UNAVAILABLE, "the database is away")));
    EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
  };
  serve();
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("\n  NOT SHOWN  what the plan changes: the database is away\n"));
  EXPECT_THAT(line_.out.str(), HasSubstr("\nPlan         1 to delete, "));
  line_.terminal.answer = "yes";
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"approve", kId},
                                             {"approve", kId, "--digest", kPlanDigest},
                                             {"approve", kId, "--digest", kPlanDigest, "--output", "json"}}) {
    serve();
    EXPECT_EQ(line_.Run(line), 1);
    EXPECT_THAT(line_.err.str(), HasSubstr("could not be shown, so it was not approved"));
  }
  EXPECT_THAT(line_.terminal.questions, IsEmpty());
  serve();
  EXPECT_CALL(*line_.client, Deny(_, _)).WillOnce(Return(PlanProposal()));
  EXPECT_EQ(line_.Run({"deny", kId, "--yes"}), 0) << "saying no needs no plan";
}

TEST_F(PlanCommandTest, AViewOfAnotherPlanIsNotShown) {
  for (const int what : {0, 1, 2}) {
    v1::PlanView other = PlanForTest();
    if (what == 0) other.set_fingerprint("sha256:0000");
    if (what == 1) other.mutable_state()->set_lineage("another");
    if (what == 2) other.mutable_state()->set_serial(1);
    Serve(PlanProposal(), other);
    EXPECT_CALL(*line_.client, Approve(_, _)).Times(0);
    line_.terminal.answer = "yes";
    EXPECT_EQ(line_.Run({"approve", kId}), 1);
    EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("NOT SHOWN"), Not(HasSubstr("aws_db_instance.main"))));
  }
}

TEST_F(PlanCommandTest, LongListsAreCutAndSaySo) {
  v1::PlanView plan = PlanForTest();
  for (int i = 0; i < 500; ++i) AddChange(&plan, "x.d" + std::to_string(i), {"delete"});
  for (int i = 0; i < 500; ++i) AddChange(&plan, "x.c" + std::to_string(i), {"create"});
  v1::ResourceChange* many = AddChange(&plan, "x.many", {"update"});
  for (int i = 0; i < 500; ++i) AddAttribute(many, "a" + std::to_string(i), "1", "2");
  AddAttribute(many, "long", "\"" + std::string(10'000, 'x') + "\"", "\"\"");
  many->set_attribute_changes_omitted(3);
  AddChange(&plan, "x.y[\"" + std::string(4000, 'z') + "\"]", {"forget"});
  for (int i = 0; i < 500; ++i) plan.mutable_state()->add_without_change("x.w" + std::to_string(i));
  for (int i = 0; i < 500; ++i) plan.add_target_addresses("x.t" + std::to_string(i));
  (*plan.mutable_backend()->mutable_settings())["address"] = std::string(10'000, 'u');
  const std::string card = Card({"show", kId}, plan);
  EXPECT_THAT(card, AllOf(HasSubstr("\n  NOT SHOWN  481 more to delete; --full shows them\n"),
                          HasSubstr("\n  NOT SHOWN  493 more to create; --full shows them\n"),
                          HasSubstr("               498 more attributes; --full shows all\n"),
                          HasSubstr("               3 more attributes, too many to be kept\n"),
                          HasSubstr("493 more given with -target"), HasSubstr("more lines; --full shows")));
  EXPECT_LT(std::count(card.begin(), card.end(), '\n'), 140);
  const std::string full = Card({"show", kId, "--full"}, plan);
  EXPECT_THAT(full, AllOf(HasSubstr("x.d499\n"), HasSubstr("x.c499\n"), HasSubstr("a499: 1 -> 2\n"),
                          HasSubstr("x.t499\n"), HasSubstr("x.w499\n"), Not(HasSubstr("--full shows"))));
}

TEST_F(PlanCommandTest, MildFindingsAreCutTheOthersNever) {
  v1::Proposal proposal = PlanProposal();
  for (int i = 0; i < 40; ++i) {
    for (const auto severity : {v1::Finding::INFO, v1::Finding::HIGH}) {
      v1::Finding* finding = proposal.add_findings();
      finding->set_code("f" + std::to_string(i));
      finding->set_severity(severity);
    }
  }
  Serve(proposal, PlanForTest());
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("  NOT SHOWN  33 more findings; --full shows them\n"),
                                     HasSubstr("  HIGH       f39: "), Not(HasSubstr("  INFO       f39: "))));
  EXPECT_LT(line_.out.str().find("CRITICAL"), line_.out.str().find("HIGH"));
}

TEST_F(PlanCommandTest, ASeverityOrAnActionOfANewerBrokerComesFirst) {
  v1::PlanView plan = PlanForTest();
  AddChange(&plan, "x.new", {"transmogrify"});
  v1::Proposal proposal = PlanProposal(plan);
  proposal.mutable_findings(0)->set_severity(static_cast<v1::Finding::Severity>(9));
  Serve(proposal, plan);
  EXPECT_EQ(line_.Run({"show", kId}), 0);
  const std::string card = line_.out.str();
  EXPECT_LT(card.find("  UNKNOWN    drift-present"), card.find("  CRITICAL   database-deleted"));
  EXPECT_LT(card.find("  UNKNOWN    x.new, transmogrify\n"), card.find("  DELETE     "));
}

// Ends the line, colours, hides, turns the direction of writing, and pads up to the first column.
constexpr char kHostile[] = "\n\x1b[2J\x1b[31m\r\xe2\x80\xae\xe2\x80\x8b\xc2\x85\tDELETE";

void Poison(google::protobuf::Message* message) {
  using Field = google::protobuf::FieldDescriptor;
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const Field* field = message->GetDescriptor()->field(i);
    if (field->is_map()) continue;
    if (field->cpp_type() == Field::CPPTYPE_STRING) {
      field->is_repeated()
          ? reflection->AddString(message, field, kHostile)
          : reflection->SetString(message, field, reflection->GetString(*message, field) + kHostile);
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      Poison(field->is_repeated() ? reflection->AddMessage(message, field)
                                  : reflection->MutableMessage(message, field));
    }
  }
}

// Its addresses, values and names as hostile as they come.
v1::PlanView HostilePlan() {
  v1::PlanView plan = PlanForTest();
  for (auto& change : *plan.mutable_resource_changes()) {
    change.set_address(change.address() + kHostile);
    change.set_previous_address(kHostile);
    change.set_action_reason(kHostile);
    change.add_replace_paths(kHostile);
    change.add_differs_from_state(kHostile);
    change.mutable_provider_change()->set_after(kHostile);
    change.mutable_importing()->set_id(kHostile);
    (*change.mutable_identifiers())[kHostile] = kHostile;
    for (auto& attribute : *change.mutable_attribute_changes()) {
      attribute.set_path(attribute.path() + kHostile);
      attribute.set_before_json(kHostile);
      attribute.set_after_json(kHostile);
    }
  }
  (*plan.mutable_backend()->mutable_settings())[kHostile] = kHostile;
  plan.mutable_checks()->Add()->set_status("fail");
  plan.mutable_configuration()->add_modules()->set_key("m");
  Poison(&plan);
  plan.set_fingerprint("sha256:f00d");
  return plan;
}

TEST_F(PlanCommandTest, HostileNamesNeitherActNorImitate) {
  v1::PlanView plan = HostilePlan();
  v1::Proposal proposal = PlanProposal(plan);
  Poison(&proposal);
  *proposal.mutable_action()->mutable_artifacts() = PlanProposal(plan).action().artifacts();
  proposal.set_action_digest(kPlanDigest);
  *proposal.mutable_plan() = PlanProposal(plan).plan();
  proposal.set_name(kPlanProposal);
  line_.on_terminal = true;
  line_.variables["NO_COLOR"] = "1";
  line_.terminal.answer = "no";
  for (const size_t columns : {40u, 80u}) {
    line_.columns = columns;
    for (const auto& line :
         std::vector<std::vector<std::string>>{{"show", kId},
                                               {"show", kId, "--full"},
                                               {"show", kId, "--plan", "--full"},
                                               {"deny", kId},
                                               {"list"},
                                               {"submit", "--target", "x", "--reason", "r", "--plan", "p"}}) {
      SCOPED_TRACE(line[0]);
      Serve(proposal, plan);
      ON_CALL(*line_.client, Submit(_, _)).WillByDefault(Return(proposal));
      v1::ListProposalsResponse list;
      *list.add_proposals() = proposal;
      ON_CALL(*line_.client, ListProposals(_, _)).WillByDefault(Return(list));
      line_.terminal.questions.clear();
      line_.Run(line);
      std::string shown = line_.out.str() + line_.err.str();
      for (const std::string& question : line_.terminal.questions) shown += question;
      EXPECT_THAT(shown, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r")), Not(HasSubstr("\t")),
                               Not(HasSubstr("\xe2\x80\xae")), Not(HasSubstr("\xe2\x80\x8b")),
                               Not(HasSubstr("\xc2\x85"))));
      EXPECT_THAT(shown, Not(HasSubstr("\nDELETE")));
      std::istringstream lines(line_.out.str());
      for (std::string text; std::getline(lines, text);) {
        EXPECT_TRUE(cli::Width(text) < columns || text.find("sha256:") != std::string::npos ||
                    text.find(kPlanProposal) == 0)
            << text;
      }
    }
  }
}

TEST_F(PlanCommandTest, LettersThatLookLikeOthersAreSpelledOut) {
  v1::PlanView plan = PlanForTest();
  AddChange(&plan, "aws_s3_bucket.b[\"d\xd0\xb0ta\"]", {"delete"});
  EXPECT_THAT(Card({"show", kId, "--plan"}, plan),
              HasSubstr("(in ASCII $'aws_s3_bucket.b[\"d\\u0430ta\"]')"));
}

TEST_F(PlanCommandTest, ColoursOnATerminalOnly) {
  line_.on_terminal = true;
  EXPECT_THAT(Card({"show", kId}, PlanForTest()),
              AllOf(HasSubstr("\x1b[31m  CRITICAL\x1b[0m"), HasSubstr("\x1b[31m  DELETE\x1b[0m")));
  line_.variables["NO_COLOR"] = "1";
  EXPECT_THAT(Card({"show", kId}, PlanForTest()), Not(HasSubstr("\x1b")));
  line_.variables.clear();
  line_.on_terminal = false;
  EXPECT_THAT(Card({"show", kId}, PlanForTest()), Not(HasSubstr("\x1b")));
}

TEST_F(PlanCommandTest, AsJsonItIsTheProposalOrAllOfThePlan) {
  const auto proposal = nlohmann::json::parse(Card({"show", kId, "--output", "json"}, PlanForTest()));
  EXPECT_EQ(proposal["findings"][1]["code"], "database-deleted");
  EXPECT_EQ(proposal["plan"]["counts"]["delete"], "1");
  const auto plan = nlohmann::json::parse(Card({"show", kId, "--plan", "--output", "json"}, PlanForTest()));
  EXPECT_EQ(plan["resourceChanges"][3]["address"], "module.db.aws_db_instance.main[0]");
  EXPECT_EQ(plan["terraformVersion"], "1.11.4");
}

TEST_F(PlanCommandTest, SubmitSendsThePlanAndSaysWhatWasFound) {
  EXPECT_CALL(*line_.client, Submit(_, _)).WillRepeatedly([](const Submission& submission, const auto&) {
    EXPECT_EQ(submission.action.kind(), v1::TERRAFORM_PLAN);
    EXPECT_EQ(submission.action.target(), "targets/prod-courses");
    EXPECT_EQ(submission.files.size(), 1u);
    EXPECT_EQ(submission.files[0].path, "plan.tfplan");
    EXPECT_EQ(submission.files[0].file_name, "");
    return PlanProposal();
  });
  const std::vector<std::string> line = {"submit",   "--plan", "plan.tfplan", "--target", "prod-courses",
                                         "--reason", "r"};
  EXPECT_EQ(line_.Run(line), 0);
  EXPECT_EQ(line_.out.str(), std::string(kPlanProposal) + "\n") << "what a script reads";
  EXPECT_THAT(line_.err.str(), AllOf(StartsWith("Verdict      Deletes 1 database"), HasSubstr("CRITICAL"),
                                     HasSubstr("1 approval by dba is missing")));
}

TEST_F(PlanCommandTest, SubmitShowsTheCardOnATerminal) {
  line_.on_terminal = true;
  line_.variables["NO_COLOR"] = "1";
  Serve(PlanProposal(), PlanForTest());
  EXPECT_CALL(*line_.client, Submit(_, _)).WillOnce(Return(PlanProposal()));
  EXPECT_EQ(line_.Run({"submit", "--plan", "p", "--target", "x", "--reason", "r"}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(StartsWith(std::string(kPlanProposal) + "\n\nVerdict "),
                                     HasSubstr("  DELETE     module.db.")));
}

TEST_F(PlanCommandTest, AnUnreadablePlanIsRefusedWithWhatToDo) {
  EXPECT_CALL(*line_.client, Submit(_, _))
      .WillOnce(Return(error::Make(v1::PLAN_UNREADABLE, "this is no zip file")));
  EXPECT_EQ(line_.Run({"submit", "--plan", "p", "--target", "x", "--reason", "r"}), 1);
  EXPECT_THAT(line_.err.str(), AllOf(StartsWith("error: this is no zip file\n"),
                                     HasSubstr("hint: make it anew with `terraform plan -out=FILE`")));
}

TEST_F(PlanCommandTest, TheListSaysWhatIsWorstAndWhatThePlanDoes) {
  v1::ListProposalsResponse answer;
  *answer.add_proposals() = PlanProposal();
  EXPECT_CALL(*line_.client, ListProposals(_, _)).WillOnce(Return(answer));
  EXPECT_EQ(line_.Run({"list"}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("  WORST     RUNS\n"),
                                     HasSubstr("  critical  terraform plan: 1 to delete, 1 to replace")));
}

}  // namespace
}  // namespace countersign
