// analyze: plans and commands read and judged without a broker.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/finding/judge.h"
#include "tests/unit/client/world_for_test.h"

namespace countersign {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::string Plan(const std::string& name) {
  return std::string(COUNTERSIGN_TERRAFORM_TEST_PLANS) + "/" + name + ".tfplan";
}

std::string Content(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

class AnalyzeTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "analyze");
    return line_.Run(arguments);
  }
  nlohmann::json Json() { return nlohmann::json::parse(line_.out.str()); }

  testing::CommandLine line_;
};

TEST_F(AnalyzeTest, ShowsTheVerdictTheFindingsAndThePlan) {
  EXPECT_EQ(Run({Plan("destroy")}), 0) << "without --fail-on nothing fails";
  EXPECT_THAT(line_.out.str(), StartsWith("Verdict      "));
  EXPECT_THAT(line_.out.str(),
              AllOf(HasSubstr("\nSTOP         unless policy permits it, nobody may approve this:"),
                    HasSubstr("\n  CRITICAL   destroys-everything: "),
                    HasSubstr("\nPlan         8 to delete; it deletes everything that the state has\n"),
                    HasSubstr("\n  DELETE     terraform_data.removed[0]  id="),
                    HasSubstr("\nNot judged   what only the broker knows")));
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("target-first-seen"))) << "nobody knows, so it is not judged";
}

TEST_F(AnalyzeTest, FailsOnFindingsThatAreBadEnough) {
  EXPECT_EQ(Run({Plan("destroy"), "--fail-on", "critical"}), 1);
  EXPECT_THAT(line_.err.str(), HasSubstr("CRITICAL or worse"));
  EXPECT_EQ(Run({Plan("mixed"), "--fail-on", "critical"}), 0);
  EXPECT_THAT(line_.err.str(), IsEmpty());
  EXPECT_EQ(Run({Plan("mixed"), "--fail-on", "HIGH", "--output", "json"}), 1);
  EXPECT_FALSE(Json()["findings"].empty());
  EXPECT_EQ(Run({Plan("mixed"), "--fail-on", "bad"}), 2);
}

TEST_F(AnalyzeTest, GivesAllOfItAsJson) {
  EXPECT_EQ(Run({Plan("mixed"), "--output", "json"}), 0);
  EXPECT_FALSE(Json()["summary"].get<std::string>().empty());
  EXPECT_FALSE(Json()["findings"][0]["code"].get<std::string>().empty());
  EXPECT_EQ(Json()["plan"]["counts"]["delete"], "2");
  EXPECT_EQ(Run({Plan("create"), "-o", "json", "--environment", "production"}), 0);
  EXPECT_TRUE(Json()["findings"].is_array());
}

TEST_F(AnalyzeTest, JudgesWhetherItWasMadeWithWhatItIsToBeAppliedWith) {
  EXPECT_EQ(Run({Plan("mixed"), "--engine", "terraform"}), 0);
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("engine-mismatch")));
  EXPECT_EQ(Run({Plan("mixed"), "--engine", "tofu"}), 0);
  EXPECT_THAT(line_.out.str(), HasSubstr("engine-mismatch"));
  EXPECT_EQ(Run({Plan("mixed"), "--engine", "OpenTofu"}), 2);
}

TEST_F(AnalyzeTest, MaskedValuesGetANewSaltEachTime) {
  const auto digests = [this] {
    EXPECT_EQ(Run({Plan("mixed"), "--output", "json"}), 0);
    return Json()["plan"]["backend"]["settingsDigest"];
  };
  EXPECT_NE(digests(), digests());
}

TEST_F(AnalyzeTest, HidesWhatItIsToldToHide) {
  const auto masked = [this] { return std::stoi(Json()["plan"].value("maskedChangeCount", "0")); };
  EXPECT_EQ(Run({Plan("mixed"), "--output", "json"}), 0);
  const int before = masked();
  EXPECT_EQ(Run({"--sensitive", "terraform_data.input", "--sensitive", "aws_thing.id", Plan("mixed"),
                 "--output", "json"}),
            0);
  EXPECT_GT(masked(), before);
  EXPECT_EQ(Run({Plan("mixed"), "--sensitive", "input"}), 2);
  EXPECT_THAT(line_.err.str(), HasSubstr("TYPE.ATTRIBUTE"));
}

TEST_F(AnalyzeTest, ReadsStandardInput) {
  line_.in.str(Content(Plan("mixed")));
  EXPECT_EQ(Run({"-", "--output", "json"}), 0);
  EXPECT_EQ(Json()["plan"]["counts"]["delete"], "2");
}

TEST_F(AnalyzeTest, SarifHasARuleForEveryResultAndAPlaceForEveryOne) {
  EXPECT_EQ(Run({Plan("destroy"), "--output", "sarif"}), 0);
  const auto log = Json();
  EXPECT_EQ(log["version"], "2.1.0");
  EXPECT_THAT(log["$schema"].get<std::string>(), HasSubstr("sarif-2.1.0"));
  ASSERT_EQ(log["runs"].size(), 1u);
  const auto& run = log["runs"][0];
  const auto& rules = run["tool"]["driver"]["rules"];
  EXPECT_EQ(run["tool"]["driver"]["name"], "countersign");
  ASSERT_EQ(rules.size(), finding::RuleTable().size());
  std::set<std::string> ids;
  for (const auto& rule : rules) {
    EXPECT_TRUE(ids.insert(rule["id"]).second) << rule["id"];
    EXPECT_FALSE(rule["shortDescription"]["text"].get<std::string>().empty());
    EXPECT_FALSE(rule["help"]["text"].get<std::string>().empty());
  }
  EXPECT_FALSE(run["results"].empty());
  for (const auto& result : run["results"]) {
    EXPECT_EQ(rules[result["ruleIndex"].get<size_t>()]["id"], result["ruleId"]);
    EXPECT_THAT(result["level"].get<std::string>(), ::testing::AnyOf("error", "warning", "note"));
    EXPECT_FALSE(result["message"]["text"].get<std::string>().empty());
    ASSERT_FALSE(result["locations"].empty());
    for (const auto& location : result["locations"]) {
      EXPECT_THAT(location["physicalLocation"]["artifactLocation"]["uri"].get<std::string>(),
                  AllOf(StartsWith("file:///"), ::testing::EndsWith("/destroy.tfplan")));
    }
  }
  EXPECT_EQ(run["results"][0]["ruleId"], "destroys-everything");
  EXPECT_EQ(run["results"][0]["level"], "error");
  EXPECT_THAT(line_.out.str(), HasSubstr("\"fullyQualifiedName\": \"terraform_data.removed[0]\""));
}

TEST_F(AnalyzeTest, AnUnreadablePlanFailsAndSaysWhy) {
  line_.in.str("this is no plan");
  EXPECT_EQ(Run({"-"}), 1);
  EXPECT_THAT(line_.out.str(), IsEmpty());
  EXPECT_THAT(line_.err.str(), AllOf(StartsWith("error: "), HasSubstr("terraform plan -out")));
  EXPECT_EQ(Run({"/nonexistent/plan"}), 1);
  line_.in.clear();
  line_.in.str(Content(Plan("mixed")).substr(0, 4000));
  EXPECT_EQ(Run({"-", "--output", "sarif"}), 1);
  EXPECT_THAT(line_.out.str(), IsEmpty());
}

TEST_F(AnalyzeTest, JudgesACommand) {
  EXPECT_EQ(Run({"--", "psql", "-c", "DROP TABLE courses"}), 0);
  EXPECT_THAT(line_.out.str(), AllOf(HasSubstr("  CRITICAL   destructive-command: "),
                                     HasSubstr("Runs         psql -c 'DROP TABLE courses'\n")));
  EXPECT_EQ(Run({"-o", "json", "--fail-on", "critical", "--", "psql", "-c", "DROP TABLE courses"}), 1);
  EXPECT_EQ(Json()["action"]["argv"][0], "psql");
  EXPECT_EQ(Run({"-o", "sarif", "--", "true\x1b[2J"}), 0);
  EXPECT_TRUE(nlohmann::json::accept(line_.out.str()));
  EXPECT_EQ(Run({"--", "true\x1b[2J\n"}), 0);
  EXPECT_THAT(line_.out.str(), Not(HasSubstr("\x1b")));
}

TEST_F(AnalyzeTest, ExplainsEveryCode) {
  EXPECT_EQ(Run({"--explain", "all"}), 0);
  const std::string all = line_.out.str();
  for (const auto& rule : finding::RuleTable()) {
    const std::string code(rule.code);
    EXPECT_THAT(all, HasSubstr(code));
    EXPECT_EQ(Run({"--explain", code}), 0);
    EXPECT_THAT(line_.out.str(),
                AllOf(StartsWith("Code         " + code + "\n"), HasSubstr("\nMeans        "),
                      HasSubstr("\nWhat to do   "), HasSubstr("\nApproval     ")));
    EXPECT_EQ(Run({"--explain", code, "--output", "json"}), 0);
    EXPECT_EQ(Json()["code"], code);
  }
}

TEST_F(AnalyzeTest, AnUnknownCodeNamesThoseLikeIt) {
  EXPECT_EQ(Run({"--explain", "state-lineage-chnged"}), 2);
  EXPECT_THAT(line_.err.str(), AllOf(HasSubstr("state-lineage-changed"), Not(HasSubstr("provisioner"))));
  EXPECT_EQ(Run({"--explain", "lineage"}), 2);
  EXPECT_THAT(line_.err.str(), HasSubstr("state-lineage-changed"));
  EXPECT_EQ(Run({"--explain", "zzzzzzzzzzzzzzzz"}), 2);
  EXPECT_THAT(line_.err.str(), AllOf(HasSubstr("state-lineage-changed"), HasSubstr("provisioner")));
}

TEST_F(AnalyzeTest, WantsExactlyOneThing) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"a", "--", "true"}), 2);
  EXPECT_EQ(Run({"a", "--explain", "deletes"}), 2);
  EXPECT_EQ(Run({"a", "--output", "xml"}), 2);
}

TEST_F(AnalyzeTest, NeedsNoProfileAndNoBroker) {
  line_.variables["COUNTERSIGN_CONFIG"] = "/nonexistent";
  EXPECT_EQ(Run({Plan("create")}), 0);
}

}  // namespace
}  // namespace countersign
