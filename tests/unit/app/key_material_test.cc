#include "server/app/key_material.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_ca.h"

namespace countersign::app {
namespace {

using testing::HasReason;
using testing::IsOk;

constexpr char kOldKey[] = "old AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr char kNewKey[] = "new BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=";

TEST(PageTokenKeyTest, IsTheSameForAllReplicasWithOneActiveKey) {
  const auto one = PageTokenKey(std::string("# a comment\n") + kOldKey + "\n" + kNewKey + "\n");
  const auto other = PageTokenKey(std::string(kNewKey) + "  \n\n# only the new one is left\n");
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(one->size(), 32u);
  EXPECT_EQ(*one, *other);
}

TEST(PageTokenKeyTest, ChangesWithTheActiveKey) { EXPECT_NE(*PageTokenKey(kOldKey), *PageTokenKey(kNewKey)); }

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
