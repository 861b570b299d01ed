// Every trick by which two readers of one zip file see different things is a test here, named after it. The
// table that they come from was measured: terraform, libzip, minizip and Python against each other.
#include "core/terraform/strict_zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign::terraform {
namespace {

using ::countersign::testing::Crc32;
using ::countersign::testing::Deflate;
using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::countersign::testing::IsOkAndHolds;
using ::countersign::testing::Little16;
using ::countersign::testing::Little32;
using ::countersign::testing::MakeMember;
using ::countersign::testing::ReadZip;
using ::countersign::testing::SmallestPlan;
using ::countersign::testing::Zip;
using ::countersign::testing::ZipMember;

constexpr char kMainFile[] = "tfconfig/m-/main.tf";

MATCHER_P(IsRefusedFor, what, std::string("is refused because ") + what) {
  const absl::Status& status = countersign::testing::StatusIn(arg);
  *result_listener << "which is " << countersign::testing::Describe(status);
  return error::ReasonOf(status) == v1::PLAN_UNREADABLE &&
         std::string(status.message()).find(what) != std::string::npos;
}

absl::Status Open(std::string_view bytes, const Limits& limits = {}) {
  return StrictZip::Open(bytes, limits).status();
}

// Also reads every entry, once whole and once in pieces.
absl::Status ReadAll(std::string_view bytes) {
  const auto zip = StrictZip::Open(bytes, Limits());
  if (!zip.ok()) return zip.status();
  absl::Status first;
  for (const auto& entry : zip->entries()) {
    const auto content = zip->Read(entry);
    first.Update(content.status());
    std::string pieces;
    auto reader = zip->Stream(entry);
    auto piece = reader.Next();
    for (; piece.ok() && !piece->empty(); piece = reader.Next()) pieces += *piece;
    EXPECT_EQ(piece.status(), content.status());
    if (content.ok()) {
      EXPECT_EQ(pieces, *content);
    }
  }
  return first;
}

// What only reading shows: the headers are in order, so it opens.
void ExpectFoundWhenRead(const Zip& zip, const char* what) {
  const std::string bytes = zip.Bytes();
  EXPECT_THAT(Open(bytes), IsOk());
  EXPECT_THAT(ReadAll(bytes), IsRefusedFor(what));
}

std::string File(const std::string& name) {
  std::ifstream in(std::string(COUNTERSIGN_TEST_PLANS) + "/" + name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

Zip Plan(std::string_view content) {
  Zip zip = SmallestPlan();
  zip.Set("tfplan", content);
  return zip;
}

// ---- What terraform writes is read ------------------------------------------------------------------

class RealPlanTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RealPlanTest, IsReadAsAnotherInflateReadsIt) {
  const std::string bytes = File(GetParam());
  ASSERT_OK_AND_ASSIGN(const StrictZip zip, StrictZip::Open(bytes, Limits()));
  Zip other = ReadZip(bytes);
  ASSERT_EQ(zip.entries().size(), other.members.size());
  for (size_t i = 0; i < other.members.size(); ++i) {
    SCOPED_TRACE(zip.entries()[i].name);
    EXPECT_EQ(zip.entries()[i].name, other.members[i].directory.name);
    EXPECT_EQ(zip.entries()[i].size, other.members[i].directory.size);
    EXPECT_EQ(zip.entries()[i].index, i);
    EXPECT_THAT(zip.Read(zip.entries()[i]), IsOkAndHolds(other.members[i].Content()));
  }
  EXPECT_OK(ReadAll(bytes));
}

TEST_P(RealPlanTest, IsWhatTheBuilderOfTheseTestsWrites) {
  const std::string bytes = File(GetParam());
  EXPECT_EQ(ReadZip(bytes).Bytes(), bytes);
}

TEST_P(RealPlanTest, IsRefusedWhenCutOffAnywhere) {
  const std::string bytes = File(GetParam());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_THAT(Open(std::string_view(bytes).substr(0, size)), HasReason(v1::PLAN_UNREADABLE)) << size;
  }
}

// No byte of the file is without meaning: only where all that changes is the time of an entry, which is said
// twice, can a change of one byte not be seen, and so all of them are.
TEST_P(RealPlanTest, IsRefusedWhenAnyByteOfItsHeadersIsChanged) {
  const std::string bytes = File(GetParam());
  ASSERT_OK_AND_ASSIGN(const StrictZip zip, StrictZip::Open(bytes, Limits()));
  for (size_t at = 0; at < bytes.size(); ++at) {
    bool is_packed = false;
    for (const auto& entry : zip.entries()) {
      const size_t begin = static_cast<size_t>(entry.packed.data() - bytes.data());
      is_packed = is_packed || (at >= begin && at < begin + entry.packed.size());
    }
    if (is_packed) continue;
    std::string changed = bytes;
    changed[at] ^= 0x01;
    ASSERT_THAT(Open(changed), HasReason(v1::PLAN_UNREADABLE)) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, RealPlanTest,
                         ::testing::Values("create.tfplan", "mixed.tfplan", "destroy.tfplan"),
                         [](const auto& test) {
                           return std::string(test.param, std::string_view(test.param).find('.'));
                         });

TEST(StrictZipTest, FindsEntriesByTheirExactName) {
  const std::string bytes = SmallestPlan().Bytes();
  ASSERT_OK_AND_ASSIGN(const StrictZip zip, StrictZip::Open(bytes, Limits()));
  ASSERT_NE(zip.Find("tfstate-prev"), nullptr);
  EXPECT_EQ(zip.Find("tfstate-prev")->index, 2u);
  EXPECT_THAT(zip.Read(*zip.Find(kMainFile)), IsOkAndHolds(std::string("content of ") + kMainFile));
  EXPECT_EQ(zip.Find("tfplan2"), nullptr);
  EXPECT_EQ(zip.Find("TFPLAN"), nullptr);
  EXPECT_EQ(zip.Find(""), nullptr);
}

TEST(StrictZipTest, StaysValidWhenMoved) {
  const std::string bytes = SmallestPlan().Bytes();
  ASSERT_OK_AND_ASSIGN(StrictZip zip, StrictZip::Open(bytes, Limits()));
  const StrictZip moved = std::move(zip);
  auto reader = moved.Stream(*moved.Find("tfplan"));
  auto moved_reader = std::move(reader);
  EXPECT_THAT(moved_reader.Next(), IsOkAndHolds(std::string_view("content of tfplan")));
  EXPECT_THAT(moved_reader.Next(), IsOkAndHolds(std::string_view()));
  EXPECT_THAT(moved_reader.Next(), IsOkAndHolds(std::string_view()));
}

TEST(StrictZipTest, StreamsInPiecesThatFitInMemory) {
  std::string content;
  for (int i = 0; content.size() < 1'000'000; ++i) content += std::to_string(i) + ",";
  for (const size_t size : {size_t{65535}, size_t{65536}, size_t{65537}, content.size()}) {
    const std::string bytes = Plan(std::string_view(content).substr(0, size)).Bytes();
    ASSERT_OK_AND_ASSIGN(const StrictZip zip, StrictZip::Open(bytes, Limits()));
    auto reader = zip.Stream(*zip.Find("tfplan"));
    std::string seen;
    while (true) {
      ASSERT_OK_AND_ASSIGN(const std::string_view piece, reader.Next());
      if (piece.empty()) break;
      EXPECT_LE(piece.size(), size_t{64} << 10);
      seen += piece;
    }
    EXPECT_EQ(seen, content.substr(0, size));
  }
}

TEST(StrictZipTest, GivesTheSameErrorAgain) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").packed.back() ^= 0x55;
  const std::string bytes = zip.Bytes();
  ASSERT_OK_AND_ASSIGN(const StrictZip opened, StrictZip::Open(bytes, Limits()));
  auto reader = opened.Stream(*opened.Find("tfplan"));
  auto piece = reader.Next();
  while (piece.ok() && !piece->empty()) piece = reader.Next();
  ASSERT_FALSE(piece.ok());
  EXPECT_EQ(reader.Next().status(), piece.status());
}

TEST(StrictZipTest, ReadsEmptyFiles) {
  Zip zip = SmallestPlan();
  zip.Set(kMainFile, "");
  EXPECT_OK(ReadAll(zip.Bytes()));
}

TEST(StrictZipTest, ReadsModulesInModulesAndNamesThatAreNotAscii) {
  for (const char* name :
       {"tfconfig/m-vpc.subnet/main.tf", "tfconfig/m-caf\u00e9/main.tf", "tfconfig/m-/a b.tf",
        "tfconfig/m-/a..b.tf", "tfconfig/m-/\U0001F680.tf", "tfconfig/m-/}.tf"}) {
    Zip zip = SmallestPlan();
    zip.Set(name, "a = 1");
    EXPECT_OK(ReadAll(zip.Bytes())) << name;
  }
}

// Seen in what terraform writes: the tilde is ASCII and is marked as UTF-8 all the same.
TEST(StrictZipTest, ReadsATildeMarkedAsUtf8AndRefusesItUnmarked) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/a~b.tf", "");
  EXPECT_EQ(zip.Member("tfconfig/m-/a~b.tf").directory.flags, 0x0808);
  EXPECT_OK(ReadAll(zip.Bytes()));
  zip.Member("tfconfig/m-/a~b.tf").SetFlags(0x0008);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("flags are 0x0008"));
}

// ---- What is no zip ---------------------------------------------------------------------------------

TEST(StrictZipTest, SaysWhatTheFileIsWhenItIsNoPlan) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "file: it is empty"},
      {R"({"remote_plan_format":1,"run_id":"run-GXfuHMkbyHccAGUg","hostname":"app.terraform.io"})",
       "a reference to a plan kept in HCP Terraform"},
      {R"({"meta":{"key_provider.pbkdf2.k":"eyJz"},"encrypted_data":"ZXVO","encryption_version":"v0"})",
       "an encrypted OpenTofu plan"},
      {"tfplan\x02...", "before 0.12"},
      {" \r\n{\"version\":4,\"terraform_version\":\"1.11.4\",\"serial\":3,\"lineage\":\"5\"}",
       "it is a state"},
      {R"({"format_version":"1.2","terraform_version":"1.11.4"})", "as terraform show prints it"},
      {"{}", "it is JSON"},
      {std::string(5000, ' ') + R"({"remote_plan_format":1})", "it is not a saved plan"},
      {"PK", "a zip that terraform did not write"},
      {std::string("PK\x05\x06").append(18, '\0'), "a zip that terraform did not write"},
      {"#!/bin/sh\n", "it is not a saved plan"},
      {std::string(4, '\0'), "it is not a saved plan"},
  };
  for (const auto& [bytes, what] : cases) EXPECT_THAT(Open(bytes), IsRefusedFor(what)) << bytes;
}

TEST(StrictZipTest, LooksOnlyAtTheFirstBytesOfWhatIsNoZip) {
  EXPECT_THAT(Open("{" + std::string(4096, ' ') + R"("remote_plan_format":1})"), IsRefusedFor("it is JSON"));
}

// ---- Entries that are there twice, or not -----------------------------------------------------------

TEST(StrictZipTest, RefusesTwoPlans) {
  Zip zip = SmallestPlan();
  zip.members.insert(zip.members.begin(), MakeMember("tfplan", "a benign one"));
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: it has the same name as entries[0]"));
}

TEST(StrictZipTest, RefusesTwoConfigurationFilesOfOneName) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/other.tf", "");
  zip.members.insert(zip.members.begin() + 5, MakeMember(kMainFile, "another"));
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: entries[5]: it has the same name as entries[3]"));
}

TEST(StrictZipTest, RefusesNamesThatDifferInCaseOnly) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/MAIN.tf", "");
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("it has the same name as"));
}

TEST(StrictZipTest, RefusesPlansWithoutOneOfTheEntriesThatTerraformNeeds) {
  for (const char* name :
       {"tfplan", "tfstate", "tfstate-prev", "tfconfig/modules.json", ".terraform.lock.hcl"}) {
    Zip zip = SmallestPlan();
    zip.Remove(name);
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor((std::string("there is no ") + name).c_str()));
  }
}

TEST(StrictZipTest, RefusesAnotherOrderOfEntries) {
  Zip zip = SmallestPlan();
  std::swap(zip.members[1], zip.members[2]);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfstate: it is not in the order"));
}

// ---- Names ------------------------------------------------------------------------------------------

TEST(StrictZipTest, RefusesNamesThatASavedPlanDoesNotHave) {
  for (const char* name :
       {"tfplan2", "TFPLAN", "tfplan/", "./tfplan", "/tfplan", "tfconfig/", "tfconfig/other.json",
        "tfconfig/m-", "tfconfig/m-/", "tfconfig//main.tf", "tfconfig/m-/a/main.tf", "tfconfig/m-//main.tf",
        "tfconfig/m-/..", "tfconfig/m-/.", "tfconfig/m-/../../etc/passwd", "../tfconfig/m-/main.tf",
        "/etc/passwd", "C:/tfconfig/m-/main.tf", ""}) {
    Zip zip = SmallestPlan();
    zip.Member(kMainFile).SetName(name);
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: entries[3]: its name is none that a saved plan has"))
        << name;
  }
}

TEST(StrictZipTest, RefusesBackslashes) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/..\\x.tf", "");
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its name holds a backslash"));
}

TEST(StrictZipTest, RefusesNamesWithNul) {
  Zip zip = SmallestPlan();
  zip.members.insert(zip.members.begin(), MakeMember(std::string_view("tfplan\0x", 8), "a benign one"));
  EXPECT_THAT(Open(zip.Bytes()),
              IsRefusedFor("zip: entries[0]: its name holds a character that cannot be seen"));
}

TEST(StrictZipTest, RefusesControlBidirectionalAndZeroWidthCharactersInNames) {
  for (const char* what : {"\n", "\x1b", "\x7f", "\u0080", "\u009f", "\u061c", "\u200b", "\u200f", "\u2028",
                           "\u202e", "\u2066", "\ufe0f", "\ufeff", "\U000e0041"}) {
    Zip zip = SmallestPlan();
    zip.Set("tfconfig/m-/a" + std::string(what) + ".tf", "");
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its name holds a character that cannot be seen"));
  }
}

TEST(StrictZipTest, RefusesNamesThatAreNotUtf8) {
  for (const char* what : {"\xff", "\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                           "\xf8\x88\x80\x80\x80"}) {
    for (const uint16_t flags : {0x0008, 0x0808}) {
      Zip zip = SmallestPlan();
      zip.Set("tfconfig/m-/" + std::string(what), "");
      zip.members[4].SetFlags(flags);
      EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its name is not valid UTF-8"));
    }
  }
}

TEST(StrictZipTest, RefusesTheUtf8FlagWhereGoDoesNotSetItAndItsLackWhereGoDoes) {
  Zip ascii = SmallestPlan();
  ascii.Member("tfplan").SetFlags(0x0808);
  EXPECT_THAT(Open(ascii.Bytes()), IsRefusedFor("zip: tfplan: its flags are 0x0808"));
  Zip other = SmallestPlan();
  other.Set("tfconfig/m-/\u00e9.tf", "");
  other.Member("tfconfig/m-/\u00e9.tf").SetFlags(0x0008);
  EXPECT_THAT(Open(other.Bytes()), IsRefusedFor("its flags are 0x0008"));
}

TEST(StrictZipTest, RefusesUnicodePathThatOverridesASecondName) {
  for (const bool is_alone : {true, false}) {
    Zip zip = SmallestPlan();
    ZipMember hidden = MakeMember("tfconfig/m-/zz.tf", "a destroying plan");
    const std::string body = "\x01" + Little32(Crc32("tfconfig/m-/zz.tf")) + "tfplan";
    const std::string path = Little16(0x7075) + Little16(static_cast<uint16_t>(body.size())) + body;
    hidden.SetExtra(is_alone ? path : hidden.local.extra + path);
    zip.members.insert(zip.members.begin() + 3, hidden);
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its extra field is not exactly one timestamp"));
  }
}

TEST(StrictZipTest, RefusesThePlanRenamedAwayByUnicodePath) {
  Zip zip = SmallestPlan();
  const std::string body = "\x01" + Little32(Crc32("tfplan")) + "zz";
  zip.Member("tfplan").SetExtra(Little16(0x7075) + Little16(static_cast<uint16_t>(body.size())) + body);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: its extra field is not exactly one timestamp"));
}

TEST(StrictZipTest, RefusesOtherExtraFields) {
  const std::string time = "\xc4\x3f\x01\x6b";
  for (const std::string& extra :
       {std::string(), "UT" + Little16(5) + "\x03" + time, "UT" + Little16(4) + "\x01" + time,
        "UT" + Little16(9) + "\x03" + (time + time), "UX" + Little16(5) + "\x01" + time,
        "UT" + Little16(5) + "\x01" + time + Little16(1) + Little16(0)}) {
    Zip zip = SmallestPlan();
    zip.Member("tfplan").SetExtra(extra);
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its extra field is not exactly one timestamp"));
  }
}

// ---- Two files in one -------------------------------------------------------------------------------

TEST(StrictZipTest, RefusesTwoPlansOneBehindTheOther) {
  EXPECT_THAT(Open(Plan("A").Bytes() + Plan("B").Bytes()),
              IsRefusedFor("the directory does not reach up to the end record"));
}

TEST(StrictZipTest, RefusesTwoPlansOneBehindTheOtherWithAdjustedOffsets) {
  const std::string first = Plan("A").Bytes();
  EXPECT_THAT(Open(first + Plan("B").Bytes(static_cast<uint32_t>(first.size()))),
              IsRefusedFor("it does not begin where the one before it ends"));
}

// The entries of A are data of nothing, the directory of B speaks of B's entries only.
TEST(StrictZipTest, RefusesAPlanHiddenBehindTheEntries) {
  Zip zip = Plan("B");
  zip.before_directory = Plan("A").Bytes();
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("something lies between entries and directory"));
}

TEST(StrictZipTest, RefusesAPrefix) {
  EXPECT_THAT(Open("#!/bin/sh\n" + SmallestPlan().Bytes()), IsRefusedFor("it is not a saved plan"));
  EXPECT_THAT(Open("#!/bin/sh\n" + SmallestPlan().Bytes(10)), IsRefusedFor("it is not a saved plan"));
}

// Entries at the offsets of the directory, and again where the offsets would be if counted from the first
// byte of the second zip.
TEST(StrictZipTest, RefusesThePrefixThatMakesTheBaseOffsetAmbiguous) {
  const std::string first = Plan("A").Bytes();
  Zip second = Plan("B");
  EXPECT_THAT(Open(first.substr(0, first.size() - 22) + second.Bytes()),
              IsRefusedFor("the directory does not reach up to the end record"));
  second.directory_offset = static_cast<uint32_t>(second.Bytes().size());
  EXPECT_THAT(Open(first.substr(0, first.size() - 22) + second.Bytes()), HasReason(v1::PLAN_UNREADABLE));
}

TEST(StrictZipTest, RefusesAnEndRecordInsideTheComment) {
  Zip zip = Plan("B");
  zip.comment = Plan("A").Bytes();
  const auto size_without = static_cast<uint32_t>(zip.Bytes().size() - zip.comment.size());
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("the directory does not reach up to the end record"));
  zip.comment = Plan("A").Bytes(size_without);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("it does not begin where the one before it ends"));
}

TEST(StrictZipTest, RefusesAnEndRecordThatIsCutOff) {
  const std::string bytes = SmallestPlan().Bytes();
  const std::string end = bytes.substr(bytes.size() - 22);
  for (size_t size = 1; size < 22; ++size) {
    EXPECT_THAT(Open(bytes + end.substr(0, size)), IsRefusedFor("it does not end with an end record"))
        << size;
    EXPECT_THAT(Open(bytes.substr(0, bytes.size() - size)),
                IsRefusedFor("it does not end with an end record"));
  }
  EXPECT_THAT(Open(bytes + end), IsRefusedFor("the directory does not reach up to the end record"));
}

TEST(StrictZipTest, RefusesComments) {
  Zip zip = SmallestPlan();
  zip.comment = "x";
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("it does not end with an end record"));
  zip = SmallestPlan();
  std::string bytes = zip.Bytes();
  bytes[bytes.size() - 2] = 1;
  EXPECT_THAT(Open(bytes), IsRefusedFor("announces a comment"));
  zip.Member("tfplan").directory.comment = "x";
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: it has a comment"));
}

TEST(StrictZipTest, RefusesTrailingBytes) {
  EXPECT_THAT(Open(SmallestPlan().Bytes() + '\0'), IsRefusedFor("something follows it"));
}

TEST(StrictZipTest, RefusesGaps) {
  Zip zip = SmallestPlan();
  zip.members[0].before = "PK\x03\x04";  // Else it would not even begin like a zip.
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: it does not begin where the one before it ends"));
  zip = SmallestPlan();
  zip.members[1].before = "x";
  EXPECT_THAT(Open(zip.Bytes()),
              IsRefusedFor("zip: tfstate: it does not begin where the one before it ends"));
  zip = SmallestPlan();
  zip.before_directory = "x";
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("something lies between entries and directory"));
  zip = SmallestPlan();
  zip.before_end = "x";
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("the directory does not reach up to the end record"));
  zip.directory_size =
      static_cast<uint32_t>(zip.Bytes().size() - 22) - static_cast<uint32_t>(zip.Bytes().find("PK\x01\x02"));
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("something lies between directory and end record"));
}

TEST(StrictZipTest, RefusesAGapBetweenDataAndDescriptor) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").descriptor.insert(0, "x");
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its descriptor is not behind its data"));
}

TEST(StrictZipTest, RefusesEntriesThatOverlap) {
  Zip zip = SmallestPlan();
  zip.Member("tfstate").directory.offset = 0;
  EXPECT_THAT(Open(zip.Bytes()),
              IsRefusedFor("zip: tfstate: it does not begin where the one before it ends"));
}

TEST(StrictZipTest, RefusesAnEntryThatReachesIntoTheDirectory) {
  Zip zip = SmallestPlan();
  auto& last = zip.Member(".terraform.lock.hcl");
  last.directory.packed_size += 1000;
  last.WriteDescriptor();
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("it is longer than the room before the directory"));
}

TEST(StrictZipTest, RefusesEntriesThatTheDirectoryDoesNotName) {
  Zip zip = SmallestPlan();
  zip.count = zip.count_on_disk = 5;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("something lies between directory and end record"));
  zip.count = zip.count_on_disk = 7;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its record is not where the directory must have it"));
  zip.count_on_disk = 6;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("more than one disk"));
}

TEST(StrictZipTest, RefusesARecordThatIsLongerThanTheDirectory) {
  std::string bytes = SmallestPlan().Bytes();
  const size_t record = bytes.rfind("PK\x01\x02");
  bytes[record + 29] = 1;  // 256 more bytes of name.
  EXPECT_THAT(Open(bytes), IsRefusedFor("zip: entries[5]: its record is longer than the directory"));
}

TEST(StrictZipTest, RefusesADirectoryOutsideOfTheFile) {
  for (const uint32_t offset : {0u, 1u, 0x7FFFFFFFu, 0xFFFFFFFEu}) {
    Zip zip = SmallestPlan();
    zip.directory_offset = offset;
    EXPECT_THAT(Open(zip.Bytes()), HasReason(v1::PLAN_UNREADABLE));
    zip.directory_size = static_cast<uint32_t>(zip.Bytes().size() - 22 - offset);  // Wraps around.
    EXPECT_THAT(Open(zip.Bytes()), HasReason(v1::PLAN_UNREADABLE));
  }
}

// ---- Local header, descriptor and directory ---------------------------------------------------------

TEST(StrictZipTest, RefusesALocalHeaderThatDiffersFromTheDirectory) {
  const std::pair<const char*, std::function<void(ZipMember&)>> cases[] = {
      {"disagree about its name", [](ZipMember& m) { m.local.name = "tfstatf"; }},
      {"disagree about its name's size", [](ZipMember& m) { m.local.name = "tfplan"; }},
      {"disagree about its method", [](ZipMember& m) { m.local.method = 0; }},
      {"disagree about its flags", [](ZipMember& m) { m.local.flags = 0x0808; }},
      {"disagree about its flags", [](ZipMember& m) { m.local.flags = 0; }},
      {"disagree about its time", [](ZipMember& m) { m.local.time ^= 1; }},
      {"disagree about its time", [](ZipMember& m) { m.local.date ^= 1; }},
      {"disagree about its version", [](ZipMember& m) { m.local.version_needed = 45; }},
      {"disagree about its extra field", [](ZipMember& m) { m.local.extra.back() ^= 1; }},
      {"disagree about its extra field's size", [](ZipMember& m) { m.local.extra.clear(); }},
      {"sizes or a CRC", [](ZipMember& m) { m.local.size = m.directory.size; }},
      {"sizes or a CRC", [](ZipMember& m) { m.local.packed_size = m.directory.packed_size; }},
      {"sizes or a CRC", [](ZipMember& m) { m.local.crc = m.directory.crc; }},
      {"its local header is not where it must be", [](ZipMember& m) { m.local_signature = "PK\x03\x05"; }},
  };
  for (const auto& [what, change] : cases) {
    Zip zip = SmallestPlan();
    change(zip.Member("tfstate"));
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor(what));
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfstate"));
  }
}

TEST(StrictZipTest, RefusesADescriptorThatDiffersFromTheDirectory) {
  for (size_t at = 0; at < 16; ++at) {
    Zip zip = SmallestPlan();
    zip.Member("tfplan").descriptor[at] ^= 1;
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor(at < 4 ? "its descriptor is not behind its data"
                                                       : "descriptor and directory disagree"));
  }
}

TEST(StrictZipTest, RefusesDescriptorsWithoutSignatureOrWith64BitSizes) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").descriptor.erase(0, 4);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its descriptor is not behind its data"));
  zip = SmallestPlan();
  ZipMember& plan = zip.Member("tfplan");
  plan.descriptor = "PK\x07\x08" + Little32(plan.directory.crc) + Little32(plan.directory.packed_size) +
                    Little32(0) + Little32(plan.directory.size) + Little32(0);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("descriptor and directory disagree"));
}

TEST(StrictZipTest, RefusesWhatElseGoDoesNotWrite) {
  const std::pair<const char*, std::function<void(ZipMember&)>> cases[] = {
      {"its zip versions", [](ZipMember& m) { m.directory.version_made = 0x0314; }},
      {"its zip versions", [](ZipMember& m) { m.local.version_needed = m.directory.version_needed = 45; }},
      {"its compression method is 0", [](ZipMember& m) { m.local.method = m.directory.method = 0; }},
      {"its compression method is 9", [](ZipMember& m) { m.local.method = m.directory.method = 9; }},
      {"another disk", [](ZipMember& m) { m.directory.disk = 1; }},
      {"file attributes", [](ZipMember& m) { m.directory.internal_attributes = 1; }},
      {"file attributes", [](ZipMember& m) { m.directory.external_attributes = 0120777u << 16; }},
      {"its record is not where", [](ZipMember& m) { m.directory.signature = "PK\x01\x03"; }},
  };
  for (const auto& [what, change] : cases) {
    Zip zip = SmallestPlan();
    change(zip.Member("tfstate"));
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor(what));
  }
}

TEST(StrictZipTest, RefusesEncryptedEntries) {
  for (const uint16_t flags : {0x0001, 0x0009, 0x0049, 0x2008}) {
    Zip zip = SmallestPlan();
    zip.Member("tfplan").SetFlags(flags);
    EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: its flags are 0x"));
  }
}

TEST(StrictZipTest, RefusesEntriesWithoutDescriptor) {
  Zip zip = SmallestPlan();
  ZipMember& plan = zip.Member("tfplan");
  plan.SetFlags(0);
  plan.local.size = plan.directory.size;
  plan.local.packed_size = plan.directory.packed_size;
  plan.local.crc = plan.directory.crc;
  plan.descriptor.clear();
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its flags are 0x0000"));
}

// Terraform reads such an entry without checking anything.
TEST(StrictZipTest, RefusesCrcZeroWithoutDescriptor) {
  Zip zip = SmallestPlan();
  ZipMember& plan = zip.Member("tfplan");
  plan.SetFlags(0);
  plan.local.size = plan.directory.size;
  plan.local.packed_size = plan.directory.packed_size;
  plan.directory.crc = 0;
  plan.descriptor.clear();
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its flags are 0x0000"));
}

TEST(StrictZipTest, RefusesZip64) {
  Zip zip = SmallestPlan();
  ZipMember& plan = zip.Member("tfplan");
  plan.directory.size = 0xFFFFFFFF;
  plan.WriteDescriptor();
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: tfplan: it asks for zip64"));
  plan.directory.extra += Little16(1) + Little16(8) + Little32(17) + Little32(0);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("its extra field is not exactly one timestamp"));
  zip = SmallestPlan();
  zip.count = zip.count_on_disk = 0xFFFF;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("the end record asks for zip64"));
  zip = SmallestPlan();
  zip.directory_offset = 0xFFFFFFFF;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("the end record asks for zip64"));
}

TEST(StrictZipTest, RefusesZip64RecordsBeforeTheEndRecord) {
  Zip zip = SmallestPlan();
  const auto directory = static_cast<uint32_t>(zip.Bytes().find("PK\x01\x02"));
  const auto end = static_cast<uint32_t>(zip.Bytes().size() - 22);
  const auto number = [](uint32_t value) { return Little32(value) + Little32(0); };
  zip.before_end = "PK\x06\x06" + number(44) + Little16(45) + Little16(45) + Little32(0) + Little32(0) +
                   number(6) + number(6) + number(end - directory) + number(directory) + "PK\x06\x07" +
                   Little32(0) + number(end) + Little32(1);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("the directory does not reach up to the end record"));
}

TEST(StrictZipTest, RefusesSeveralDisks) {
  Zip zip = SmallestPlan();
  zip.disk = 1;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("more than one disk"));
  zip = SmallestPlan();
  zip.directory_disk = 1;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("more than one disk"));
}

// ---- Content ----------------------------------------------------------------------------------------

TEST(StrictZipTest, RefusesAWrongCrc) {
  for (const uint32_t crc : {0u, Crc32("content of tfplan") ^ 1}) {
    Zip zip = SmallestPlan();
    ZipMember& plan = zip.Member("tfplan");
    plan.SetPacked(std::string(plan.packed), plan.directory.size, crc);
    ExpectFoundWhenRead(zip, "zip: tfplan: its content does not have the CRC");
  }
}

TEST(StrictZipTest, RefusesADeclaredSizeThatIsTooShortOrTooLong) {
  const std::string content(200'000, 'x');
  for (const uint32_t size : {0u, 1u, 199'999u, 131'072u}) {
    Zip zip = Plan(content);
    ZipMember& plan = zip.Member("tfplan");
    plan.SetPacked(std::string(plan.packed), size, Crc32(content.substr(0, size)));
    ExpectFoundWhenRead(zip, "zip: tfplan: it unpacks to more than was declared");
  }
  Zip zip = Plan(content);
  ZipMember& plan = zip.Member("tfplan");
  plan.SetPacked(std::string(plan.packed), 200'001, Crc32(content));
  ExpectFoundWhenRead(zip, "zip: tfplan: it unpacks to less than was declared");
}

TEST(StrictZipTest, RefusesDataBehindTheDeflateStream) {
  for (const std::string& behind : {std::string(1, '\0'), Deflate("another content")}) {
    Zip zip = SmallestPlan();
    ZipMember& plan = zip.Member("tfplan");
    plan.SetPacked(plan.packed + behind, plan.directory.size, plan.directory.crc);
    ExpectFoundWhenRead(zip, "zip: tfplan: there are bytes between its deflate stream and its descriptor");
  }
}

TEST(StrictZipTest, RefusesADeflateStreamThatIsCutOff) {
  const std::string packed = Deflate("content of tfplan");
  for (size_t size = 1; size < packed.size(); ++size) {
    Zip zip = SmallestPlan();
    ZipMember& plan = zip.Member("tfplan");
    plan.SetPacked(packed.substr(0, size), plan.directory.size, plan.directory.crc);
    ExpectFoundWhenRead(zip, "zip: tfplan: its deflate stream is cut off");
  }
}

TEST(StrictZipTest, RefusesNoDeflateStreamAtAll) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").SetPacked("", 0, 0);
  ExpectFoundWhenRead(zip, "zip: tfplan: its deflate stream is cut off");
}

TEST(StrictZipTest, RefusesADamagedDeflateStream) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").SetPacked("\x07\xff\xff", 3, 0);  // A block of the kind that does not exist.
  ExpectFoundWhenRead(zip, "zip: tfplan: its deflate stream is damaged");
}

TEST(StrictZipTest, RefusesAZlibStreamInPlaceOfDeflate) {
  Zip zip = SmallestPlan();
  ZipMember& plan = zip.Member("tfplan");
  plan.SetPacked("\x78\x9c" + plan.packed, plan.directory.size, plan.directory.crc);
  EXPECT_THAT(ReadAll(zip.Bytes()), HasReason(v1::PLAN_UNREADABLE));
}

TEST(StrictZipTest, CallsModulesFilesByNumberAndNotByTheNameThatSomebodyChose) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/THIS PLAN IS SAFE.tf", "");
  zip.Member("tfconfig/m-/THIS PLAN IS SAFE.tf").directory.internal_attributes = 1;
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("zip: entries[4]: it has file attributes"));
}

// ---- Limits -----------------------------------------------------------------------------------------

// Exactly `size` is read with the limit that `limit` names, one less is refused.
void ExpectLimit(std::string_view bytes, uint64_t size, const std::function<void(Limits&, uint64_t)>& limit,
                 const char* what) {
  Limits limits;
  limit(limits, size);
  EXPECT_THAT(Open(bytes, limits), IsOk());
  limit(limits, size - 1);
  EXPECT_THAT(Open(bytes, limits), IsRefusedFor(what));
}

TEST(StrictZipLimitsTest, BytesOfTheFile) {
  const std::string bytes = SmallestPlan().Bytes();
  ExpectLimit(
      bytes, bytes.size(), [](Limits& limits, uint64_t size) { limits.file_bytes = size; }, "file: it has");
}

TEST(StrictZipLimitsTest, NumberOfEntries) {
  const std::string bytes = SmallestPlan().Bytes();
  ExpectLimit(
      bytes, 6, [](Limits& limits, uint64_t size) { limits.entries = size; },
      "zip: it has 6 entries; at most 5 are read");
}

TEST(StrictZipLimitsTest, BytesOfAName) {
  Zip zip = SmallestPlan();
  zip.Set("tfconfig/m-/" + std::string(1000, 'a'), "");
  ExpectLimit(
      zip.Bytes(), 1012, [](Limits& limits, uint64_t size) { limits.entry_name_bytes = size; },
      "its name has 1012 bytes; at most 1011 are read");
}

TEST(StrictZipLimitsTest, BytesOfEachKindOfEntry) {
  const std::string content(10'000, 'x');
  const std::tuple<const char*, uint64_t Limits::*> cases[] = {
      {"tfplan", &Limits::plan_bytes},
      {"tfstate", &Limits::state_bytes},
      {"tfstate-prev", &Limits::state_bytes},
      {kMainFile, &Limits::configuration_file_bytes},
      {"tfconfig/modules.json", &Limits::configuration_file_bytes},
      {".terraform.lock.hcl", &Limits::lock_file_bytes},
  };
  for (const auto& [name, limit] : cases) {
    SCOPED_TRACE(name);
    Zip zip = SmallestPlan();
    zip.Set(name, content);
    ExpectLimit(
        zip.Bytes(), 10'000, [&, limit = limit](Limits& limits, uint64_t size) { limits.*limit = size; },
        "it unpacks to 10000 bytes; at most 9999 are read");
  }
}

TEST(StrictZipLimitsTest, BytesOfAllEntriesTogether) {
  uint64_t total = 0;
  for (const auto& member : SmallestPlan().members) total += member.directory.size;
  ExpectLimit(
      SmallestPlan().Bytes(), total, [](Limits& limits, uint64_t size) { limits.total_bytes = size; },
      "zip: .terraform.lock.hcl: with it, the entries unpack to more than");
}

// The stream is no deflate at all: if anything inflated it, the error would be another.
TEST(StrictZipLimitsTest, RefuseABombByWhatItDeclares) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").SetPacked(std::string(1 << 20, '\xff'), 1u << 30, 0);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("it unpacks to 1073741824 bytes; at most 268435456 are read"));
}

// 8 MiB of zeros behind 64 bytes that are declared: reading stops at the first piece that is too much.
TEST(StrictZipLimitsTest, StopABombThatDeclaresLittle) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").SetPacked(Deflate(std::string(8 << 20, '\0')), 64, Crc32(std::string(64, '\0')));
  const std::string bytes = zip.Bytes();
  ASSERT_OK_AND_ASSIGN(const StrictZip opened, StrictZip::Open(bytes, Limits()));
  auto reader = opened.Stream(*opened.Find("tfplan"));
  EXPECT_THAT(reader.Next(), IsRefusedFor("it unpacks to more than was declared"));
}

TEST(StrictZipLimitsTest, RefuseASizeThatNoDeflateStreamOfThatLengthHas) {
  Zip zip = SmallestPlan();
  zip.Member("tfplan").SetPacked("12345678", 8 * 1032, 0);
  EXPECT_THAT(Open(zip.Bytes()), IsOk());
  zip.Member("tfplan").SetPacked("12345678", 8 * 1032 + 1, 0);
  EXPECT_THAT(Open(zip.Bytes()), IsRefusedFor("more than its packed bytes can hold"));
}

// Whoever unpacks zeros as tightly as deflate can is still below that bound.
TEST(StrictZipLimitsTest, AllowWhatDeflateCanDo) {
  Zip zip = Plan(std::string(8 << 20, '\0'));
  EXPECT_GT(zip.Member("tfplan").directory.size / zip.Member("tfplan").directory.packed_size, 1000u);
  EXPECT_OK(ReadAll(zip.Bytes()));
}

TEST(StrictZipLimitsTest, ManyEntriesAreNotQuadratic) {
  Zip zip = SmallestPlan();
  std::vector<ZipMember> files(19'994, MakeMember(kMainFile, ""));
  for (size_t i = 0; i < files.size(); ++i) {
    files[i].SetName("tfconfig/m-/" + std::string(200, 'a') + std::to_string(i));
  }
  zip.members.insert(zip.members.begin() + 4, files.begin(), files.end());
  const std::string bytes = zip.Bytes();
  ASSERT_OK_AND_ASSIGN(const StrictZip opened, StrictZip::Open(bytes, Limits()));
  for (const auto& entry : opened.entries()) ASSERT_EQ(opened.Find(entry.name), &entry);
}

}  // namespace
}  // namespace countersign::terraform
