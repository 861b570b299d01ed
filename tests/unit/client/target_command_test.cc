// target list, show and adopt: what they ask for, what they show, what they send.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error/error.h"
#include "tests/unit/client/plan_for_test.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPlanProposal;
using ::testing::Not;
using testing::PlanProposal;
using ::testing::Return;

constexpr char kId[] = "abcdefghijklmnopqrstuvwx";
constexpr char kTarget[] = "targets/prod-courses";

void AddResource(v1::PlanState* state, const std::string& address, const std::string& id) {
  v1::StateResource* resource = state->add_resources();
  resource->set_address(address);
  resource->set_id(id);
  state->set_resource_count(state->resources_size());
}

v1::TargetMemory Memory() {
  v1::TargetMemory memory;
  memory.set_target(kTarget);
  memory.set_version(3);
  memory.set_etag("memory-3");
  memory.mutable_update_time()->set_seconds(1'700'000'000);
  memory.set_proposal("proposals/zzzzzzzzzzzzzzzzzzzzzzzz");
  memory.set_adopted_by("spiffe://example.org/human/alice");
  v1::PlanState* state = memory.mutable_state();
  state->set_lineage("11111111-0000-4000-8000-000000000001");
  state->set_serial(41);
  state->set_content_digest("sha256:01d");
  AddResource(state, "aws_vpc.main", "vpc-1");
  AddResource(state, "aws_subnet.a", "subnet-1");
  AddResource(state, "aws_db_instance.main", "courses-prod");
  memory.mutable_backend()->set_type("s3");
  memory.mutable_backend()->set_workspace("default");
  return memory;
}

v1::PlanView NewState() {
  v1::PlanView plan;
  plan.set_fingerprint("sha256:f00d");
  v1::PlanState* state = plan.mutable_state();
  state->set_lineage("22222222-0000-4000-8000-000000000002");
  state->set_serial(1);
  state->set_content_digest("sha256:2e");
  AddResource(state, "aws_vpc.main", "vpc-1");
  AddResource(state, "aws_subnet.a", "subnet-9");
  AddResource(state, "aws_subnet.b", "subnet-2");
  plan.mutable_backend()->set_type("local");
  plan.mutable_backend()->set_workspace("default");
  return plan;
}

absl::Status NothingRemembered() { return error::Make(v1::NOT_FOUND, "nothing is remembered"); }

class TargetCommandTest : public ::testing::Test {
 protected:
  void Serve(const v1::PlanView& plan, const absl::StatusOr<v1::TargetMemory>& memory = Memory()) {
    ON_CALL(*line_.client, GetProposal(kPlanProposal, _)).WillByDefault(Return(PlanProposal(plan)));
    ON_CALL(*line_.client, GetPlanView(kPlanProposal, _)).WillByDefault(Return(plan));
    ON_CALL(*line_.client, GetTargetMemory(kTarget, _)).WillByDefault(Return(memory));
  }
  testing::CommandLine line_;
};

TEST_F(TargetCommandTest, ListsTargetsAndWhatIsRemembered) {
  const auto serve = [&] {
    v1::ListDocumentsResponse documents;
    for (const char* name : {"directory", "policy", "targets/new", kTarget})
      documents.add_documents()->set_name(name);
    ON_CALL(*line_.client, ListDocuments(_)).WillByDefault(Return(documents));
    ON_CALL(*line_.client, GetTargetMemory("targets/new", _)).WillByDefault(Return(NothingRemembered()));
    ON_CALL(*line_.client, GetTargetMemory(kTarget, _)).WillByDefault(Return(Memory()));
  };
  serve();
  EXPECT_EQ(line_.Run({"target", "list"}), 0);
  EXPECT_EQ(line_.out.str(),
            "TARGET        LINEAGE   SERIAL  RESOURCES  BACKEND  CHANGED                  BY\n"
            "new           nothing\n"
            "prod-courses  11111111  41      3          s3       2023-11-14 22:13:20 UTC  "
            "human/alice (adopted)\n");
  serve();
  EXPECT_EQ(line_.Run({"target", "list", "--output", "json"}), 0);
  const auto json = nlohmann::json::parse(line_.out.str())["targets"];
  ASSERT_EQ(json.size(), 2u);
  EXPECT_FALSE(json[0].contains("memory"));
  EXPECT_EQ(json[1]["memory"]["state"]["serial"], "41");
  serve();
  ON_CALL(*line_.client, GetTargetMemory(kTarget, _))
      .WillByDefault(Return(error::Make(v1::NOT_PERMITTED, "no")));
  EXPECT_EQ(line_.Run({"target", "list"}), 6) << "an error is not taken for nothing";
}

TEST_F(TargetCommandTest, ShowsWhatIsRememberedOfOne) {
  ON_CALL(*line_.client, GetTargetMemory(kTarget, _)).WillByDefault(Return(Memory()));
  EXPECT_EQ(line_.Run({"target", "show", "prod-courses"}), 0);
  EXPECT_THAT(
      line_.out.str(),
      AllOf(HasSubstr("Engine       terraform or tofu\n"),
            HasSubstr("lineage 11111111-0000-4000-8000-000000000001, serial 41, 3\n           … resources\n"),
            HasSubstr("Kept in      s3, workspace default\n"),
            HasSubstr("By           human/alice (adopted)\n"),
            HasSubstr("From         proposals/zzzzzzzzzzzzzzzzzzzzzzzz\n"),
            HasSubstr("aws_db_instance.main  id=courses-prod\n")));
  v1::TargetMemory of_tofu = Memory();
  of_tofu.set_engine("tofu");
  ON_CALL(*line_.client, GetTargetMemory(kTarget, _)).WillByDefault(Return(of_tofu));
  EXPECT_EQ(line_.Run({"target", "show", "prod-courses"}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("Engine       tofu\n"));
  ON_CALL(*line_.client, GetTargetMemory(kTarget, _)).WillByDefault(Return(Memory()));
  EXPECT_EQ(line_.Run({"target", "show", kTarget, "--output", "json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(line_.out.str())["etag"], "memory-3");
  ON_CALL(*line_.client, GetTargetMemory(_, _)).WillByDefault(Return(NothingRemembered()));
  EXPECT_EQ(line_.Run({"target", "show", "prod-courses"}), 1);
}

TEST_F(TargetCommandTest, AdoptShowsOldAgainstNewAndWantsTheTargetsName) {
  Serve(NewState());
  line_.terminal.answer = "prod-courses";
  EXPECT_CALL(*line_.client, AdoptState(_, _)).WillOnce([](const auto& request, const auto&) {
    EXPECT_EQ(request.target(), kTarget);
    EXPECT_EQ(request.proposal(), kPlanProposal);
    EXPECT_EQ(request.etag(), "memory-3");
    return Memory();
  });
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId}), 0) << line_.err.str();
  EXPECT_THAT(line_.out.str(), HasSubstr("Lineage      remembered: 11111111-0000-4000-8000-000000000001\n"
                                         "             new:        22222222-0000-4000-8000-000000000002\n"
                                         "Serial       remembered: 41\n"
                                         "             new:        1\n"
                                         "Resources    3 (the same)\n"
                                         "Content      remembered: sha256:01d\n"
                                         "             new:        sha256:2e\n"
                                         "Kept in      remembered: s3, workspace default\n"
                                         "             new:        local, workspace default\n"
                                         "No longer    aws_db_instance.main  id=courses-prod\n"
                                         "Other id     aws_subnet.a  id=subnet-1 is now subnet-9\n"
                                         "New          aws_subnet.b  id=subnet-2\n"));
  EXPECT_THAT(line_.terminal.questions.back(),
              AllOf(HasSubstr("takes the new state for that of targets/prod-courses"),
                    HasSubstr("becomes SUPERSEDED"), HasSubstr("Type prod-courses to go on: ")));
}

TEST_F(TargetCommandTest, NothingButTheNameAdopts) {
  for (const char* answer : {"yes", "", "prod", "targets/prod-courses"}) {
    Serve(NewState());
    line_.terminal.answer = answer;
    EXPECT_CALL(*line_.client, AdoptState(_, _)).Times(0);
    EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId}), 1);
  }
}

TEST_F(TargetCommandTest, APipeCannotAdopt) {
  line_.in.str("prod-courses\n");
  Serve(NewState());
  EXPECT_CALL(*line_.client, AdoptState(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId}), 1);
  EXPECT_THAT(line_.err.str(), HasSubstr("--digest"));
}

TEST_F(TargetCommandTest, TheDigestThatWasSeenAdoptsWithoutATerminal) {
  Serve(NewState());
  EXPECT_CALL(*line_.client, AdoptState(_, _)).WillOnce(Return(Memory()));
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId, "--digest", "sha256:2e", "-o",
                       "json"}),
            0);
  EXPECT_EQ(nlohmann::json::parse(line_.out.str())["version"], "3");
  Serve(NewState());
  EXPECT_CALL(*line_.client, AdoptState(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId, "--digest", "sha256:01d"}), 7);
  Serve(NewState());
  EXPECT_CALL(*line_.client, AdoptState(_, _)).Times(0);
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId, "-o", "json"}), 2);
}

TEST_F(TargetCommandTest, AFirstStateIsAdoptedWithoutAnEtag) {
  Serve(NewState(), NothingRemembered());
  line_.terminal.answer = "prod-courses";
  EXPECT_CALL(*line_.client, AdoptState(_, _)).WillOnce([](const auto& request, const auto&) {
    EXPECT_EQ(request.etag(), "");
    return Memory();
  });
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("nothing is remembered of this target so far"));
}

TEST_F(TargetCommandTest, WhatCannotBeShownIsNotAdopted) {
  for (const int what : {0, 1, 2}) {
    Serve(NewState());
    if (what == 0) {
      ON_CALL(*line_.client, GetPlanView(_, _)).WillByDefault(Return(absl::UnavailableError("gone")));
    } else if (what == 1) {
      ON_CALL(*line_.client, GetTargetMemory(_, _)).WillByDefault(Return(absl::UnavailableError("gone")));
    } else {
      v1::Proposal other = PlanProposal(NewState());
      other.mutable_action()->set_target("targets/other");
      ON_CALL(*line_.client, GetProposal(_, _)).WillByDefault(Return(other));
    }
    line_.terminal.answer = "prod-courses";
    EXPECT_CALL(*line_.client, AdoptState(_, _)).Times(0);
    EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses", "--proposal", kId}), what == 2 ? 2 : 1);
    EXPECT_THAT(line_.terminal.questions, IsEmpty());
  }
}

TEST_F(TargetCommandTest, HostileStatesNeitherActNorImitate) {
  constexpr char kHostile[] = "\n\x1b[2J\r\xe2\x80\xae\tNew";
  v1::PlanView plan = NewState();
  v1::TargetMemory memory = Memory();
  for (v1::PlanState* state : {plan.mutable_state(), memory.mutable_state()}) {
    state->set_lineage(kHostile);
    state->set_content_digest(kHostile);
    AddResource(state, state->serial() == 1 ? kHostile : "old", kHostile);
    state->mutable_resources(0)->set_id(kHostile + state->lineage() + std::to_string(state->serial()));
  }
  for (v1::Backend* backend : {plan.mutable_backend(), memory.mutable_backend()}) {
    backend->set_type(kHostile);
    backend->set_workspace(kHostile);
    (*backend->mutable_settings())[kHostile] = kHostile;
  }
  memory.set_adopted_by(kHostile);
  memory.set_proposal(kHostile);
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"target", "show", "prod-courses"},
                                             {"target", "list"},
                                             {"target", "adopt", "prod-courses", "--proposal", kId}}) {
    Serve(plan, memory);
    v1::ListDocumentsResponse documents;
    documents.add_documents()->set_name(kTarget);
    ON_CALL(*line_.client, ListDocuments(_)).WillByDefault(Return(documents));
    line_.terminal.answer = "no";
    line_.Run(line);
    const std::string shown = line_.out.str() + line_.err.str();
    EXPECT_THAT(shown, Not(IsEmpty()));
    EXPECT_THAT(shown, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r")), Not(HasSubstr("\t")),
                             Not(HasSubstr("\xe2\x80\xae"))));
  }
}

TEST_F(TargetCommandTest, LongListsOfResourcesAreCut) {
  v1::PlanView plan = NewState();
  for (int i = 0; i < 100; ++i) AddResource(plan.mutable_state(), "x.n" + std::to_string(i), "");
  for (const bool full : {false, true}) {
    Serve(plan);
    std::vector<std::string> line = {"target", "adopt", "prod-courses", "--proposal", kId};
    if (full) line.push_back("--full");
    EXPECT_EQ(line_.Run(line), 1);
    EXPECT_EQ(line_.out.str().find("81 more; --full shows them") == std::string::npos, full);
    EXPECT_EQ(line_.out.str().find("x.n99\n") != std::string::npos, full);
  }
}

TEST_F(TargetCommandTest, WrongUseExitsWithTwo) {
  EXPECT_EQ(line_.Run({"target"}), 2);
  EXPECT_EQ(line_.Run({"target", "frob"}), 2);
  EXPECT_EQ(line_.Run({"target", "show"}), 2);
  EXPECT_EQ(line_.Run({"target", "adopt", "prod-courses"}), 2);
}

}  // namespace
}  // namespace countersign
