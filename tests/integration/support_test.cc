// What the other tests stand on.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "server/base/clock.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/subprocess.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"

namespace countersign::testing {
namespace {

using ::testing::HasSubstr;

TEST(SubprocessTest, CapturesOutputAndExitCode) {
  const Completed done = RunToEnd({.argv = {"sh", "-c", "cat; echo $GREETING; echo bad >&2; exit 3"},
                                   .environment = {{"GREETING", "hello"}},
                                   .stdin_text = "in\n"});
  EXPECT_EQ(done.out, "in\nhello\n");
  EXPECT_EQ(done.err, "bad\n");
  EXPECT_TRUE(done.exit.exited);
  EXPECT_EQ(done.exit.code, 3);
}

TEST(SubprocessTest, EnvironmentCanBeBuiltFromNothing) {
  const Completed done =
      RunToEnd({.argv = {"env"}, .environment = {{"ONLY", "1"}}, .inherit_environment = false});
  EXPECT_EQ(done.out, "ONLY=1\n");
}

TEST(SubprocessTest, SaysWhichSignalKilledIt) {
  Subprocess process({"sleep", "100"});
  EXPECT_TRUE(process.Running());
  process.Signal(SIGTERM);
  const auto exit = process.Wait(absl::Seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_FALSE(exit->exited);
  EXPECT_EQ(exit->signal, SIGTERM);
}

TEST(SubprocessTest, WaitsForOutput) {
  Subprocess process({"sh", "-c", "echo ready; exec sleep 100"});
  EXPECT_TRUE(process.WaitForOutput("ready", absl::Seconds(10)));
  EXPECT_FALSE(process.WaitForOutput("never", absl::Milliseconds(50)));
}

TEST(SubprocessTest, DestructionKills) {
  pid_t pid = 0;
  {
    Subprocess process({"sleep", "100"});
    pid = process.pid();
  }
  EXPECT_NE(kill(pid, 0), 0);
}

TEST(TemporaryDirectoryTest, IsGoneAfterwards) {
  std::filesystem::path path;
  {
    const TemporaryDirectory directory;
    path = directory.path();
    EXPECT_EQ(ReadFile(directory.Write("file", std::string("a\0b", 3))), std::string("a\0b", 3));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(FakeRandomTest, SameSeedSameBytes) {
  FakeRandom a(7);
  FakeRandom b(7);
  FakeRandom c(8);
  const std::string bytes = a.Bytes(32);
  EXPECT_EQ(b.Bytes(32), bytes);
  EXPECT_NE(c.Bytes(32), bytes);
  EXPECT_NE(a.Bytes(32), bytes);
}

TEST(FakeClockTest, MovesWhenTold) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Now(), start + absl::Seconds(3));
}

// OpenSSL's own verdict on a certificate.
std::string Verify(const TestCa& ca, const std::string& certificate_path, const char* purpose) {
  const Completed done = RunToEnd({.argv = {"openssl", "verify", "-x509_strict", "-purpose", purpose,
                                            "-CAfile", ca.path(), certificate_path}});
  return done.out + done.err;
}

TEST(TestCaTest, IssuesWhatOpensslAccepts) {
  TestCa ca;
  EXPECT_THAT(Verify(ca, ca.IssueServer().certificate_path, "sslserver"), HasSubstr(": OK"));
  const Certificate client = ca.IssueClient("spiffe://example.org/agent/bot");
  EXPECT_THAT(Verify(ca, client.certificate_path, "sslclient"), HasSubstr(": OK"));
  const Completed text =
      RunToEnd({.argv = {"openssl", "x509", "-noout", "-text", "-in", client.certificate_path}});
  EXPECT_THAT(text.out, HasSubstr("URI:spiffe://example.org/agent/bot"));
  EXPECT_THAT(text.out, HasSubstr("prime256v1"));
  struct stat status = {};
  ASSERT_EQ(stat(client.key_path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(TestCaTest, ExpiredAndForeignCertificatesAreRefused) {
  TestCa ca;
  TestCa other;
  EXPECT_THAT(
      Verify(ca, ca.IssueClient("spiffe://example.org/agent/bot", Expired()).certificate_path, "sslclient"),
      HasSubstr("expired"));
  EXPECT_THAT(Verify(ca, other.IssueServer().certificate_path, "sslserver"),
              HasSubstr("verification failed"));
  EXPECT_THAT(Verify(ca, ca.IssueServer().certificate_path, "sslclient"), HasSubstr("purpose"));
}

}  // namespace
}  // namespace countersign::testing
