#include "core/terraform/lock_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/terraform/limits.h"
#include "tests/support/status_matchers.h"

namespace countersign::terraform {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kTypical = R"(# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/hashicorp/random" {
  version     = "3.6.0"
  constraints = "~> 3.0, != 3.5.0"
  hashes = [
    "zh:00",
    "h1:ab+/CD=",
  ]
}

provider "localhost:8080/acme-corp/my_own" {
  version = "1.0.0-rc.1+build"
}
)";

std::string RefusalOf(std::string_view text, const Limits& limits = {}) {
  const absl::StatusOr<LockFile> file = ReadLockFile(text, limits);
  EXPECT_THAT(file, HasReason(v1::PLAN_UNREADABLE)) << text;
  return std::string(file.status().message());
}

TEST(LockFileTest, ReadsProvidersSorted) {
  const absl::StatusOr<LockFile> file = ReadLockFile(kTypical, {});
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->writer, LockWriter::kTerraform);
  ASSERT_THAT(file->providers, SizeIs(2));
  EXPECT_EQ(file->providers[0].source, "localhost:8080/acme-corp/my_own");
  EXPECT_EQ(file->providers[0].version, "1.0.0-rc.1+build");
  EXPECT_EQ(file->providers[0].constraints, "");
  EXPECT_THAT(file->providers[0].hashes, IsEmpty());
  EXPECT_EQ(file->providers[1].source, "registry.terraform.io/hashicorp/random");
  EXPECT_EQ(file->providers[1].version, "3.6.0");
  EXPECT_EQ(file->providers[1].constraints, "~> 3.0, != 3.5.0");
  EXPECT_THAT(file->providers[1].hashes, ElementsAre("h1:ab+/CD=", "zh:00"));
}

TEST(LockFileTest, TellsTheWriterByTheFirstLine) {
  EXPECT_EQ(ReadLockFile("# This file is maintained automatically by \"tofu init\".\r\n", {})->writer,
            LockWriter::kOpenTofu);
  EXPECT_EQ(ReadLockFile("", {})->writer, LockWriter::kUnknown);
  EXPECT_EQ(ReadLockFile("\n# This file is maintained automatically by \"tofu init\".\n", {})->writer,
            LockWriter::kUnknown);
}

TEST(LockFileTest, RefusesWhatItDoesNotKnow) {
  for (const std::string_view text : {
           "a = 1\n",
           "module \"a/b/c\" {\n}\n",
           "provider \"a/b/c\" {\n}\n",
           "provider \"a/b\" {\n  version = \"1\"\n}\n",
           "provider \"a//c\" {\n  version = \"1\"\n}\n",
           "provider \"a/b/c d\" {\n  version = \"1\"\n}\n",
           "provider \"a/b/c\" \"d\" {\n  version = \"1\"\n}\n",
           "provider {\n  version = \"1\"\n}\n",
           "provider \"a/b/c\" {\n  version = 1\n}\n",
           "provider \"a/b/c\" {\n  version = \"\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"${x}\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n  version = \"1\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n  other = \"1\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n  more {}\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n  constraints = \"\\u001b\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n}\nprovider \"a/b/c\" {\n  version = \"2\"\n}\n",
           "provider \"a/b/c\" {\n  version = \"1\"\n",
       }) {
    EXPECT_THAT(RefusalOf(text), HasSubstr(".terraform.lock.hcl")) << text;
  }
}

TEST(LockFileTest, RefusesHashesThatAreNoListOfHashes) {
  for (const std::string_view hashes :
       {"\"h1:a\"", "[h1]", "[\"h1\"]", "[\"h1:\"]", "[\":a\"]", "[\"h1:a\" \"h1:b\"]", "[\"h1:a\", b]",
        "[[\"h1:a\"]]", "[,]", "[\"h1:a\",,]", "[\"h1:\\n\"]", "[\"${a}\"]", "concat([\"h1:a\"])",
        "[\"h1:a\"][0]", "[\"\"]", "(\"h1:a\")", "[\"h1:a\"] + [\"h1:b\"]"}) {
    EXPECT_THAT(
        RefusalOf("provider \"a/b/c\" {\n version = \"1\"\n hashes = " + std::string(hashes) + "\n}\n"),
        HasSubstr("not a list of hashes"))
        << hashes;
  }
  EXPECT_THAT(ReadLockFile("provider \"a/b/c\" {\n version = \"1\"\n hashes = [\n\n]\n}\n", {}), IsOk());
}

TEST(LockFileTest, TakesAsManyBytesAsItsLimit) {
  Limits limits;
  limits.lock_file_bytes = kTypical.size();
  EXPECT_THAT(ReadLockFile(kTypical, limits), IsOk());
  limits.lock_file_bytes -= 1;
  EXPECT_THAT(RefusalOf(kTypical, limits), HasSubstr("is too large"));
}

}  // namespace
}  // namespace countersign::terraform
