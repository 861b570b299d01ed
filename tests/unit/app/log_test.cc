#include "server/app/log.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "server/app/files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace countersign::app {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  std::string Written(Log::Format format, Level level, std::string_view message, const Log::Fields& fields) {
    const std::string path = directory_ / "log";
    auto log = Log::ToFile(path, Level::kInfo, format, &clock_);
    EXPECT_THAT(log, IsOk());
    (*log)->Write(level, message, fields);
    return *ReadFile(path);
  }

  testing::FakeClock clock_;
  testing::TemporaryDirectory directory_;
};

TEST_F(LogTest, WritesOneJsonObjectPerLine) {
  const std::string text =
      Written(Log::Format::kJson, Level::kWarning, "request", {{"method", "GetProposal"}});
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message"], "request");
  EXPECT_EQ(line["method"], "GetProposal");
  EXPECT_TRUE(line.contains("time"));
}

TEST_F(LogTest, LetsNobodyWriteALineOfTheirOwn) {
  const Log::Fields fields{{"principal", "x\n{\"level\":\"error\"}\x1b[31m"}};
  for (const auto format : {Log::Format::kJson, Log::Format::kText}) {
    const std::string text = Written(format, Level::kInfo, "a\nb", fields);
    EXPECT_EQ(text.back(), '\n');
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  }
  const std::string both = *ReadFile(directory_ / "log");
  EXPECT_EQ(std::count(both.begin(), both.end(), '\n'), 2);
}

TEST_F(LogTest, SurvivesTextThatIsNotUtf8) {
  const std::string text = Written(Log::Format::kJson, Level::kInfo, "m", {{"detail", "\xff\xfe"}});
  EXPECT_TRUE(nlohmann::json::accept(text));
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(Written(Log::Format::kJson, Level::kDebug, "quiet", {}), "");
}

}  // namespace
}  // namespace countersign::app
