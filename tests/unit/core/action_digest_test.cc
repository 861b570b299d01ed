#include "core/digest/action_digest.h"

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/digest/digest.h"
#include "tests/support/status_matchers.h"

namespace countersign::digest {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOkAndHolds;
using ::countersign::testing::NamesField;

constexpr char kArtifact[] = "sha256:354b7196c9ba5fb4b21cf615bb6ec4cd5c07503c34229feef033fc081a8c03f4";

v1::Action Command(const std::vector<std::string>& argv) {
  v1::Action action;
  action.set_kind(v1::COMMAND);
  action.set_target("targets/t");
  for (const std::string& argument : argv) action.add_argv(argument);
  return action;
}

v1::Action Migration() {
  v1::Action action = Command({"psql", "-f", "fix.sql"});
  action.set_target("targets/prod-courses");
  (*action.mutable_environment())["PGHOST"] = "db";
  (*action.mutable_environment())["PGDATABASE"] = "courses";
  v1::ArtifactReference* artifact = action.add_artifacts();
  artifact->set_digest(kArtifact);
  artifact->set_file_name("fix.sql");
  artifact->set_size_bytes(9);
  return action;
}

std::string DigestOf(const v1::Action& action) {
  const auto digest = ActionDigest(action);
  EXPECT_OK(digest);
  return digest.value_or("");
}

// The expected digests below were computed with Python's json and hashlib.
TEST(ActionDigestTest, OfACommandIsWhatPythonComputes) {
  EXPECT_THAT(
      ActionDigestInput(Migration()),
      IsOkAndHolds(
          "countersign.v1.action\n"
          R"({"argv":["psql","-f","fix.sql"],"artifacts":[{"digest":)"
          R"("sha256:354b7196c9ba5fb4b21cf615bb6ec4cd5c07503c34229feef033fc081a8c03f4","file_name":"fix.sql"}],)"
          R"("environment":{"PGDATABASE":"courses","PGHOST":"db"},"kind":"command","target":"targets/prod-courses"})"));
  EXPECT_THAT(ActionDigest(Migration()),
              IsOkAndHolds("sha256:dbe9d98538d4202b8a2022943970824dbf221ce3f3034bea96d2f086a50f24c5"));
}

TEST(ActionDigestTest, OfAPlanIsWhatPythonComputes) {
  v1::Action action;
  action.set_kind(v1::TERRAFORM_PLAN);
  action.set_target("targets/prod-courses");
  action.add_artifacts()->set_digest(kArtifact);
  EXPECT_THAT(ActionDigest(action),
              IsOkAndHolds("sha256:f226df4f1704fec6eb5543e0703ef9415e68b209accd1ad3a6a3287be4eee7c2"));
}

TEST(ActionDigestTest, OfHostileCharactersIsWhatPythonComputes) {
  v1::Action action = Command({"sh", "-c", "printf 'a\tb\n\"\\ é \U0001F600 \u2028\x7f\x01'"});
  (*action.mutable_environment())["A"] = "\b\f\r";
  EXPECT_THAT(ActionDigest(action),
              IsOkAndHolds("sha256:18d074a5a3dbb502ab79cc6f5dbd86853e04674b2a53c855ae64bd545f9fb8e4"));
}

TEST(ActionDigestTest, ChangesWithEveryField) {
  const std::pair<const char*, std::function<void(v1::Action&)>> changes[] = {
      {"kind", [](v1::Action& a) { a.set_kind(v1::TERRAFORM_PLAN); }},
      {"target", [](v1::Action& a) { a.set_target("targets/prod-course"); }},
      {"argument", [](v1::Action& a) { a.set_argv(2, "fix.sq1"); }},
      {"argument added", [](v1::Action& a) { a.add_argv(""); }},
      {"arguments swapped", [](v1::Action& a) { a.mutable_argv()->SwapElements(0, 1); }},
      {"argument removed", [](v1::Action& a) { a.mutable_argv()->RemoveLast(); }},
      {"variable's value", [](v1::Action& a) { (*a.mutable_environment())["PGHOST"] = "db2"; }},
      {"variable's name",
       [](v1::Action& a) {
         a.mutable_environment()->erase("PGHOST");
         (*a.mutable_environment())["PGHOSTADDR"] = "db";
       }},
      {"variable added, empty", [](v1::Action& a) { (*a.mutable_environment())["B"] = ""; }},
      {"values swapped",
       [](v1::Action& a) {
         (*a.mutable_environment())["PGHOST"] = "courses";
         (*a.mutable_environment())["PGDATABASE"] = "db";
       }},
      {"artifact's digest", [](v1::Action& a) { a.mutable_artifacts(0)->set_digest(Sha256("other")); }},
      {"artifact's name", [](v1::Action& a) { a.mutable_artifacts(0)->set_file_name("fix2.sql"); }},
      {"artifact added", [](v1::Action& a) { *a.add_artifacts() = a.artifacts(0); }},
      {"artifact removed", [](v1::Action& a) { a.clear_artifacts(); }},
  };
  std::map<std::string, std::string> seen = {{DigestOf(Migration()), "the original"}};
  for (const auto& [name, change] : changes) {
    v1::Action action = Migration();
    change(action);
    const auto [other, is_new] = seen.emplace(DigestOf(action), name);
    EXPECT_TRUE(is_new) << name << " has the digest of " << other->second;
  }
}

TEST(ActionDigestTest, IgnoresWhatTheDigestsOfTheArtifactsCoverAlready) {
  v1::Action action = Migration();
  action.mutable_artifacts(0)->set_size_bytes(10);
  EXPECT_EQ(DigestOf(action), DigestOf(Migration()));
}

TEST(ActionDigestTest, DoesNotDependOnTheOrderOfTheVariables) {
  v1::Action forward = Command({"true"});
  v1::Action backward = Command({"true"});
  for (int i = 0; i < 100; ++i) (*forward.mutable_environment())["V" + std::to_string(i)] = std::to_string(i);
  for (int i = 99; i >= 0; --i)
    (*backward.mutable_environment())["V" + std::to_string(i)] = std::to_string(i);
  EXPECT_EQ(DigestOf(forward), DigestOf(backward));
}

TEST(ActionDigestTest, DependsOnTheOrderOfTheArtifacts) {
  v1::Action action = Migration();
  action.add_artifacts()->set_digest(Sha256("second"));
  v1::Action swapped = action;
  swapped.mutable_artifacts()->SwapElements(0, 1);
  EXPECT_NE(DigestOf(action), DigestOf(swapped));
}

TEST(ActionDigestTest, KeepsTheBordersOfArguments) {
  std::map<std::string, std::string> seen;
  for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{{"a b"},
                                                                                    {"a", "b"},
                                                                                    {"a", "b", ""},
                                                                                    {"", "a", "b"},
                                                                                    {"a\",\"b"},
                                                                                    {"a\\", "b"},
                                                                                    {"a\\\",\\\"b"},
                                                                                    {"a\nb"},
                                                                                    {"a\\nb"},
                                                                                    {"ab"},
                                                                                    {}}) {
    const std::string shown = ::testing::PrintToString(argv);
    const auto [other, is_new] = seen.emplace(DigestOf(Command(argv)), shown);
    EXPECT_TRUE(is_new) << shown << " has the digest of " << other->second;
  }
}

TEST(ActionDigestTest, KeepsNamesAndValuesOfVariablesApart) {
  std::map<std::string, std::string> seen;
  for (const std::map<std::string, std::string>& variables :
       std::vector<std::map<std::string, std::string>>{{{"A", "B=C"}},
                                                       {{"A=B", "C"}},
                                                       {{"A", "B"}, {"C", ""}},
                                                       {{"A", "B\",\"C\":\""}},
                                                       {{"AB", "C"}},
                                                       {{"A", "BC"}}}) {
    v1::Action action = Command({"env"});
    action.mutable_environment()->insert(variables.begin(), variables.end());
    const std::string shown = ::testing::PrintToString(variables);
    const auto [other, is_new] = seen.emplace(DigestOf(action), shown);
    EXPECT_TRUE(is_new) << shown << " has the digest of " << other->second;
  }
}

TEST(ActionDigestTest, DoesNotTakeAnArgumentForAVariableOrAFile) {
  v1::Action argument = Command({"a"});
  v1::Action variable = Command({});
  (*variable.mutable_environment())["a"] = "";
  v1::Action name = Command({});
  name.add_artifacts()->set_digest(kArtifact);
  name.mutable_artifacts(0)->set_file_name("a");
  EXPECT_NE(DigestOf(argument), DigestOf(variable));
  EXPECT_NE(DigestOf(argument), DigestOf(name));
  EXPECT_NE(DigestOf(variable), DigestOf(name));
}

// Distinct actions have distinct digests: random ones over an alphabet of what could confuse an encoder.
TEST(ActionDigestTest, IsInjectiveOverRandomActions) {
  std::mt19937 random(static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed()));
  SCOPED_TRACE("--gtest_random_seed=" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()));
  const auto text = [&random] {
    static constexpr char kAlphabet[] = "a\",:[]{}\\\n";
    std::string out;
    for (size_t length = random() % 4; length > 0; --length)
      out.push_back(kAlphabet[random() % (sizeof(kAlphabet) - 1)]);
    return out;
  };
  std::map<std::string, std::string> action_of;
  for (int round = 0; round < 5000; ++round) {
    v1::Action action = Command({});
    action.set_target(text());
    for (size_t count = random() % 3; count > 0; --count) action.add_argv(text());
    for (size_t count = random() % 3; count > 0; --count) (*action.mutable_environment())[text()] = text();
    const auto [other, is_new] = action_of.emplace(DigestOf(action), "");
    // The text format spells maps sorted by name, so equal actions have equal text.
    const std::string spelled = action.DebugString();
    if (is_new) other->second = spelled;
    ASSERT_EQ(other->second, spelled);
  }
}

TEST(ActionDigestTest, RefusesAnUnknownKind) {
  v1::Action action = Migration();
  action.set_kind(v1::KIND_UNSPECIFIED);
  EXPECT_THAT(ActionDigest(action), NamesField("action.kind"));
  action.set_kind(static_cast<v1::Kind>(77));
  EXPECT_THAT(ActionDigest(action), NamesField("action.kind"));
}

TEST(ActionDigestTest, RefusesAMalformedArtifactDigest) {
  v1::Action action = Migration();
  action.add_artifacts()->set_digest(
      "sha256:354B7196C9BA5FB4B21CF615BB6EC4CD5C07503C34229FEEF033FC081A8C03F4");
  EXPECT_THAT(ActionDigest(action), NamesField("action.artifacts[1].digest"));
}

TEST(ActionDigestTest, RefusesInvalidUtf8AndNamesTheField) {
  v1::Action action = Migration();
  action.add_argv("\xff");
  EXPECT_THAT(ActionDigest(action), HasReason(v1::INVALID_FIELD));
  EXPECT_THAT(ActionDigest(action), NamesField("action.argv"));
  action = Migration();
  (*action.mutable_environment())["A"] = "\xff";
  EXPECT_THAT(ActionDigest(action), NamesField("action.environment"));
  action = Migration();
  action.mutable_artifacts(0)->set_file_name("\xff");
  EXPECT_THAT(ActionDigest(action), NamesField("action.artifacts"));
  action = Migration();
  action.set_target("\xff");
  EXPECT_THAT(ActionDigest(action), NamesField("action.target"));
}

}  // namespace
}  // namespace countersign::digest
