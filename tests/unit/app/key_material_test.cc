#include "server/app/key_material.h"

#include <gmock/gmock.h>

#include "server/base/sealed_cursor.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ca.h"

namespace countersign::app {
namespace {

using testing::HasReason;
using testing::IsOk;
using ::testing::Optional;

constexpr char kOldKey[] = "old AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr char kNewKey[] = "new BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";

TEST(PageTokenKeyTest, OpensTokensThatWereMadeBeforeAKeyWasAdded) {
  const auto before = PageTokenKey(std::string("# a comment\n") + kOldKey + "  \n\n");
  const auto after = PageTokenKey(std::string(kOldKey) + "\n# added\n" + kNewKey + "\n");
  ASSERT_THAT(before, IsOk());
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(before->size(), 32u);
  const std::string token = base::SealCursor(*before, "watch", "targets/db", "17");
  EXPECT_THAT(base::OpenCursor(*after, "watch", "targets/db", token, 100), Optional(std::string("17")));
}

TEST(PageTokenKeyTest, OpensNothingOfABrokerWithOtherKeys) {
  EXPECT_NE(*PageTokenKey(kOldKey), *PageTokenKey(kNewKey));
}

TEST(PageTokenKeyTest, IsNotTheMasterKey) {
  EXPECT_EQ(PageTokenKey(kOldKey)->find("AAAA"), std::string::npos);
}

TEST(PageTokenKeyTest, NeedsAKey) { EXPECT_FALSE(PageTokenKey("# nothing\n").ok()); }

TEST(CheckTlsFilesTest, RefusesTheKeyOfAnotherCertificate) {
  testing::TestCa authority;
  const auto one = authority.IssueServer();
  const auto other = authority.IssueServer();
  EXPECT_THAT(CheckTlsFiles(one.certificate_path, one.key_path, "grpc"), IsOk());
  EXPECT_THAT(CheckTlsFiles(one.certificate_path, other.key_path, "grpc"), HasReason(v1::INVALID_FIELD));
}

}  // namespace
}  // namespace countersign::app
