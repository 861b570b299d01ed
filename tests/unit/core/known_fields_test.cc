#include "core/digest/known_fields.h"

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>

#include <functional>
#include <string>

#include "core/digest/action_digest.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "countersign/v1/proposal_service.pb.h"
#include "tests/support/status_matchers.h"

namespace countersign::digest {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;
using ::testing::HasSubstr;

// As if a newer, or a malicious, sender had set field 77 of it.
void AddUnknown(google::protobuf::Message* message) {
  message->GetReflection()->MutableUnknownFields(message)->AddVarint(77, 1);
}

v1::ListProposalsResponse Known() {
  v1::ListProposalsResponse response;
  v1::Proposal* proposal = response.add_proposals();
  proposal->mutable_action()->set_kind(v1::COMMAND);
  proposal->mutable_action()->set_target("targets/dev");
  proposal->mutable_action()->add_argv("true");
  (*proposal->mutable_action()->mutable_environment())["A"] = "b";
  for (int i = 0; i < 3; ++i) proposal->mutable_action()->add_artifacts()->set_digest(Sha256("x"));
  proposal->mutable_requirement()->mutable_token_lifetime()->set_seconds(60);
  return response;
}

TEST(KnownFieldsTest, AcceptsAMessageOfKnownFields) {
  EXPECT_OK(CheckKnownFields(Known(), ""));
  EXPECT_OK(CheckKnownFields(v1::CreateProposalRequest(), ""));
}

TEST(KnownFieldsTest, NamesTheMessageThatHoldsAnUnknownFieldAndItsNumber) {
  const std::pair<const char*, std::function<void(v1::ListProposalsResponse*)>> cases[] = {
      {"ListProposalsResponse", [](auto* r) { AddUnknown(r); }},
      {"proposals[0]", [](auto* r) { AddUnknown(r->mutable_proposals(0)); }},
      {"proposals[0].action", [](auto* r) { AddUnknown(r->mutable_proposals(0)->mutable_action()); }},
      {"proposals[0].action.artifacts[2]",
       [](auto* r) { AddUnknown(r->mutable_proposals(0)->mutable_action()->mutable_artifacts(2)); }},
      {"proposals[0].requirement.token_lifetime",
       [](auto* r) { AddUnknown(r->mutable_proposals(0)->mutable_requirement()->mutable_token_lifetime()); }},
  };
  for (const auto& [field, spoil] : cases) {
    v1::ListProposalsResponse response = Known();
    spoil(&response);
    const absl::Status status = CheckKnownFields(response, "");
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD)) << field;
    EXPECT_THAT(status, NamesField(field));
    EXPECT_THAT(std::string(status.message()), HasSubstr("77"));
  }
}

TEST(KnownFieldsTest, SeesWhatAParserHasKeptFromTheWire) {
  v1::Action action = Known().proposals(0).action();
  std::string bytes = action.SerializeAsString();
  bytes +=
      "\xEA\x04\x04"
      "evil";  // Field 77, four bytes.
  ASSERT_TRUE(action.ParseFromString(bytes));
  EXPECT_THAT(CheckKnownFields(action, "action"), NamesField("action"));
}

TEST(KnownFieldsTest, AnActionWithAnUnknownFieldHasNoDigest) {
  v1::Action action = Known().proposals(0).action();
  ASSERT_OK(ActionDigest(action));
  v1::Action spoiled = action;
  AddUnknown(&spoiled);
  EXPECT_THAT(ActionDigest(spoiled), HasReason(v1::INVALID_FIELD));
  spoiled = action;
  AddUnknown(spoiled.mutable_artifacts(1));
  EXPECT_THAT(ActionDigest(spoiled), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ActionDigest(spoiled).status(), NamesField("action.artifacts[1]"));
}

}  // namespace
}  // namespace countersign::digest
