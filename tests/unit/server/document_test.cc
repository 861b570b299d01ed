#include "server/base/document.h"

#include <gmock/gmock.h>

#include "countersign/v1/config.pb.h"
#include "server/broker/documents.h"
#include "tests/support/broker_world.h"
#include "tests/support/status_matchers.h"

namespace countersign::base {
namespace {

using ::countersign::testing::HasReason;

absl::StatusOr<v1::Policy> ReadPolicy(const std::string& yaml) {
  const auto documents = ParseYaml(yaml);
  if (!documents.ok()) return documents.status();
  v1::Policy policy;
  const absl::Status status = FromJson(documents->at(0).json, &policy);
  if (!status.ok()) return status;
  return policy;
}

TEST(DocumentTest, FillsNumbersDurationsEnumsAndBooleans) {
  const auto policy = ReadPolicy(
      "rules:\n- name: a\n  verdict: REQUIRE_APPROVAL\n  token_lifetime: 90s\n  owner_excluded: true\n"
      "  quorums: [{count: 2, groups: [x, 'y']}]\n");
  ASSERT_OK(policy);
  EXPECT_EQ(policy->rules(0).token_lifetime().seconds(), 90);
  EXPECT_TRUE(policy->rules(0).owner_excluded());
  EXPECT_EQ(policy->rules(0).quorums(0).count(), 2);
  EXPECT_EQ(policy->rules(0).quorums(0).groups(1), "y");
}

TEST(DocumentTest, RefusesWhatAReaderCouldMisunderstand) {
  for (const char* yaml : {
           "rules: []\nrules: []\n",          // Duplicate key.
           "a: &x 1\nb: *x\n",                // Anchor and alias.
           "rules: !!python/object []\n",     // Tag.
           "rules: [\n",                      // Syntax.
           "ruels: []\n",                     // Unknown field.
           "rules: [3]\n",                    // Other type.
           "rules: [{name: a, count: x}]\n",  // Unknown nested field.
           "rules: [{quorums: [{count: two}]}]\n",
           "? [a]\n: b\n",  // A key that is not a scalar.
       }) {
    EXPECT_THAT(ReadPolicy(yaml), HasReason(v1::INVALID_FIELD)) << yaml;
  }
}

TEST(DocumentTest, RefusesWhatOnlyTheTextShows) {
  for (const char* yaml : {"a: 1\na: 2\n", "a: {b: 1, b: 2}\n", "a: [{b: 1, b: 1}]\n", "a: &x 1\n"}) {
    EXPECT_THAT(ParseYaml(yaml), HasReason(v1::INVALID_FIELD)) << yaml;
  }
}

// protobuf's JSON has two spellings of each field, of which the later one would win.
TEST(DocumentTest, KnowsOneSpellingOfEachField) {
  const auto both = ReadPolicy("rules: [{name: a, token_lifetime: 60s, tokenLifetime: 300s}]\n");
  EXPECT_THAT(both, HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(std::string(both.status().message()),
              ::testing::HasSubstr("PolicyRule has no field \"tokenLifetime\"; write token_lifetime"));
  for (const char* yaml : {"rules: [{tokenLifetime: 300s}]\n", "rules: {ownerExcluded: true}\n",
                           "rules: [{quorums: [{Count: 1}]}]\n", "rules: [{quorums: {[count]: 1}}]\n"}) {
    EXPECT_THAT(ReadPolicy(yaml), HasReason(v1::INVALID_FIELD)) << yaml;
  }
  EXPECT_OK(ReadPolicy("rules: {name: a, quorums: {count: 1}}\n")) << "one may stand for a list of one";
}

TEST(DocumentTest, RefusesDepthAndSize) {
  EXPECT_THAT(ParseYaml(std::string(100000, '[')), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ParseYaml(std::string(40, '[') + std::string(40, ']')), HasReason(v1::INVALID_FIELD));
  std::string dashes;
  for (int i = 0; i < 5000; ++i) dashes += "- ";
  EXPECT_THAT(ParseYaml(dashes + "x"), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ParseYaml(std::string(kMaxDocumentBytes + 1, 'a')), HasReason(v1::INVALID_FIELD));
}

TEST(DocumentTest, RefusesWhatIsNotPrintableUtf8) {
  for (const std::string& yaml : {
           std::string("name: \x90\x90\n"),      // Not UTF-8.
           std::string("name: \xED\xA0\x80\n"),  // A surrogate.
           std::string("name: a\0b\n", 10),      // NUL, from which UTF-16 is guessed.
           std::string("\xFF\xFEn\0a\0", 6),     // UTF-16.
           std::string("name: \x1B[2J\n"),       // A terminal's escape.
           std::string("name: \xC2\x9B"
                       "2J\n"),  // The same as one character.
           std::string("name: a\xEF\xBB\xBF"
                       "b\n"),                // A byte order mark in the middle.
           std::string("name: \"a\\0b\"\n"),  // NUL as an escape.
       }) {
    EXPECT_THAT(ParseYaml(yaml), HasReason(v1::INVALID_FIELD)) << yaml;
  }
  EXPECT_OK(ParseYaml("\xEF\xBB\xBFname: \xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82\r\n"));
}

TEST(DocumentTest, RefusesWhatFollowsADocumentOnItsLine) {
  for (const char* yaml : {",", "]", "}", ", , , x", "a: b\n]", "---\na: b\n...\n,", "[a] b", "\"a\" b"}) {
    EXPECT_THAT(ParseYaml(yaml), HasReason(v1::INVALID_FIELD)) << yaml;
  }
}

TEST(DocumentTest, KeepsTheTextOfEachDocumentApart) {
  const auto documents = broker::SplitDocuments(testing::BrokerWorld::Documents());
  ASSERT_OK(documents);
  ASSERT_EQ(documents->size(), 7u);
  EXPECT_EQ(documents->at(0).name, "directory");
  EXPECT_EQ(documents->at(1).name, "policy");
  EXPECT_EQ(documents->at(2).name, "targets/dev");
  EXPECT_EQ(documents->at(1).content.find("Directory"), std::string::npos);
}

TEST(DocumentTest, RefusesADocumentWithoutAKnownTypeAndOneGivenTwice) {
  EXPECT_THAT(broker::SplitDocuments("name: targets/x\n"), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(broker::SplitDocuments("document: Secret\n"), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(broker::SplitDocuments("document: Policy\n---\ndocument: Policy\n"),
              HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(broker::SplitDocuments("# nothing\n"), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::base
