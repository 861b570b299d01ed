#include "server/app/dev_authority.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/jws/certificate.h"
#include "server/app/files.h"
#include "server/app/key_material.h"
#include "server/base/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace countersign::app {
namespace {

using testing::IsOk;

class DevAuthorityTest : public ::testing::Test {
 protected:
  DevAuthority Open(absl::Duration later = absl::ZeroDuration()) {
    auto authority = DevAuthority::Open(directory_.path(), base::SystemClock().Now() + later, &random_);
    EXPECT_THAT(authority, IsOk());
    return *std::move(authority);
  }
  std::string Path(const std::string& name) const { return directory_ / name; }

  base::SystemRandom random_;
  testing::TemporaryDirectory directory_;
};

TEST_F(DevAuthorityTest, MakesCertificatesThatServersAccept) {
  DevAuthority authority = Open();
  ASSERT_THAT(authority.IssueServer(Path("server"), "DNS:localhost,IP:127.0.0.1,IP:::1"), IsOk());
  EXPECT_THAT(CheckTlsFiles(Path("server.pem"), Path("server.key"), "grpc"), IsOk());
  EXPECT_THAT(CheckAuthorities(authority.certificate_file(), "grpc.client_ca_file"), IsOk());
}

TEST_F(DevAuthorityTest, KeepsKeysToTheOwner) {
  DevAuthority authority = Open();
  ASSERT_THAT(authority.IssueClient(Path("agent"), "URI:spiffe://dev.countersign.local/agent/agent"), IsOk());
  for (const char* name : {"ca.key", "agent.key"}) {
    struct stat info;
    ASSERT_EQ(stat(Path(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(DevAuthorityTest, KeepsACertificateAcrossRestartsUntilItIsAboutToEnd) {
  ASSERT_THAT(Open().IssueClient(Path("agent"), "URI:spiffe://dev.countersign.local/agent/agent"), IsOk());
  const std::string first = *ReadFile(Path("agent.pem"));
  ASSERT_THAT(Open().IssueClient(Path("agent"), "URI:spiffe://dev.countersign.local/agent/agent"), IsOk());
  EXPECT_EQ(*ReadFile(Path("agent.pem")), first);
  ASSERT_THAT(Open(absl::Hours(24 * 360))
                  .IssueClient(Path("agent"), "URI:spiffe://dev.countersign.local/agent/agent"),
              IsOk());
  EXPECT_NE(*ReadFile(Path("agent.pem")), first);
}

TEST_F(DevAuthorityTest, ReplacesACertificateOfAnotherAuthority) {
  ASSERT_THAT(Open().IssueServer(Path("server"), "DNS:localhost"), IsOk());
  const std::string first = *ReadFile(Path("server.pem"));
  ASSERT_EQ(remove(Path("ca.key").c_str()), 0);
  ASSERT_THAT(Open().IssueServer(Path("server"), "DNS:localhost"), IsOk());
  EXPECT_NE(*ReadFile(Path("server.pem")), first);
}

}  // namespace
}  // namespace countersign::app
