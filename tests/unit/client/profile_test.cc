#include <gmock/gmock.h>

#include <map>

#include "countersign/connect.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace countersign {
namespace {

using testing::StatusIs;

constexpr char kConfig[] = R"(profiles:
  default: {server: "broker:7400", ca_file: ca.pem, jwks_file: /etc/jwks.json}
  staging: {server: "staging:7400"}
)";

class ProfileTest : public ::testing::Test {
 protected:
  absl::StatusOr<Profile> Load(const std::string& name = "", const std::string& file = "") {
    return LoadProfile({.name = name, .config_file = file, .environment = [this](const char* variable) {
                          const auto found = variables_.find(variable);
                          return found == variables_.end() ? nullptr : found->second.c_str();
                        }});
  }

  testing::TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
};

TEST_F(ProfileTest, ReadsTheDefaultProfileWithPathsRelativeToTheFile) {
  const auto profile = Load("", directory_.Write("config.yaml", kConfig));
  ASSERT_OK(profile);
  EXPECT_EQ(profile->connect.server, "broker:7400");
  EXPECT_EQ(profile->connect.ca_file, directory_ / "ca.pem");
  EXPECT_EQ(profile->jwks_file, "/etc/jwks.json");
}

TEST_F(ProfileTest, VariablesWinOverTheFile) {
  variables_ = {{"COUNTERSIGN_CONFIG", directory_.Write("config.yaml", kConfig)},
                {"COUNTERSIGN_PROFILE", "staging"},
                {"COUNTERSIGN_CA_FILE", "other.pem"}};
  const auto profile = Load();
  ASSERT_OK(profile);
  EXPECT_EQ(profile->connect.server, "staging:7400");
  EXPECT_EQ(profile->connect.ca_file, "other.pem");
}

TEST_F(ProfileTest, NeedsNoFile) {
  variables_ = {{"COUNTERSIGN_SERVER", "broker:1"}, {"HOME", directory_ / "nobody"}};
  const auto profile = Load();
  ASSERT_OK(profile);
  EXPECT_EQ(profile->connect.server, "broker:1");
}

TEST_F(ProfileTest, RefusesWhatWasNamedAndIsNotThere) {
  EXPECT_THAT(Load("", directory_ / "missing.yaml"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Load("nobody", directory_.Write("config.yaml", kConfig)),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ProfileTest, RefusesUnknownKeysAndMalformedFiles) {
  for (const char* text : {"profiles: {default: {sever: x}}", "profile: {}", "profiles: {default: [1]}", "{",
                           "- a", "profiles: {default: {server: [1]}}"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(Load("default", directory_.Write("config.yaml", text)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace countersign
