#include "core/terraform/value_changes.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/terraform/known_secrets.h"
#include "core/terraform/msgpack.h"
#include "core/terraform/shown_json.h"
#include "core/text/text.h"
#include "core/text/utf8.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/terraform/plan_builder.h"

namespace countersign::terraform {
namespace {

using countersign::testing::Encode;
using countersign::testing::IsOk;
using countersign::testing::Unknown;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Finds the changes between two values that are given as JSON.
class Differ {
 public:
  ValueChanges Find(const json& before, const json& after) {
    before_ = Encode(before);
    after_ = Encode(after);
    const auto one = DecodeMsgpack(before_, &arena_, Limits(), "before");
    const auto other = DecodeMsgpack(after_, &arena_, Limits(), "after");
    EXPECT_THAT(one, IsOk());
    EXPECT_THAT(other, IsOk());
    KnownSecrets secrets;
    Mask mask(Limits(), "paths", "", &secrets);
    mask.Learn(*one, *other);
    ContentHasher hasher("test");
    ValueChanges found = FindChanges(*one, *other, mask.root(), SaltedDigest("0123456789abcdef"), limits,
                                     &hasher, &bytes_left);
    fingerprint = hasher.Finish();
    return found;
  }

  // "PATH: BEFORE -> AFTER".
  std::vector<std::string> Lines(const json& before, const json& after) {
    std::vector<std::string> lines;
    for (const v1::AttributeChange& change : Find(before, after).changes) {
      lines.push_back(text::Concat(change.path(), ": ", change.before_json(), " -> ", change.after_json(),
                                   change.after_unknown() ? "?" : "", change.cut() ? " cut" : ""));
    }
    return lines;
  }

  Limits limits;
  size_t bytes_left = 1 << 20;
  std::string fingerprint;

 private:
  ValueArena arena_{Limits()};
  std::string before_;
  std::string after_;
};

TEST(ValueChangesTest, FindsNothingWhereNothingDiffers) {
  const json value = {{"a", 1}, {"b", {1, "x", nullptr, true}}, {"c", {{"d", json::object()}}}};
  EXPECT_THAT(Differ().Lines(value, value), IsEmpty());
  EXPECT_THAT(Differ().Lines(nullptr, nullptr), IsEmpty());
  EXPECT_THAT(Differ().Lines({{"a", nullptr}}, json::object()), IsEmpty());
  EXPECT_THAT(Differ().Lines(json::object(), {{"a", nullptr}}), IsEmpty());
  EXPECT_THAT(Differ().Lines({{"a", 20}}, {{"a", "20"}}), IsEmpty());
  EXPECT_FALSE(Differ().Find(value, value).any);
}

TEST(ValueChangesTest, GoesDownToTheLeavesInTheOrderOfPaths) {
  EXPECT_THAT(Differ().Lines({{"a", {{"x", 1}, {"y", 1}}}, {"b", {1, {{"p", 1}}}}, {"c", 1}},
                             {{"a", {{"x", 1}, {"y", 2}}}, {"b", {1, {{"p", 2}}}}, {"d", 1}}),
              ElementsAre("a.y: 1 -> 2", "b[1].p: 1 -> 2", "c: 1 -> ", "d:  -> 1"));
}

TEST(ValueChangesTest, OfAWholeObjectLeavesOutNulls) {
  const json object = {{"a", nullptr},
                       {"b", {{"c", nullptr}, {"d", "x"}}},
                       {"e", {1, 2}},
                       {"f", json::array()},
                       {"g", json::object()}};
  EXPECT_THAT(Differ().Lines(nullptr, object),
              ElementsAre("b.d:  -> \"x\"", "e[0]:  -> 1", "e[1]:  -> 2", "f:  -> []", "g:  -> {}"));
  EXPECT_THAT(Differ().Lines(object, nullptr), SizeIs(5));
}

TEST(ValueChangesTest, ShowsAListOfAnotherLengthAsAWhole) {
  EXPECT_THAT(Differ().Lines({{"l", {1, 2}}}, {{"l", {2}}}), ElementsAre("l: [1,2] -> [2]"));
  EXPECT_THAT(Differ().Lines({{"l", json::array()}}, {{"l", {2}}}), ElementsAre("l: [] -> [2]"));
  EXPECT_THAT(Differ().Lines({{"l", {1, 2}}}, {{"l", {1, 3}}}), ElementsAre("l[1]: 2 -> 3"));
}

TEST(ValueChangesTest, ShowsAValueOfAnotherKindAsAWhole) {
  EXPECT_THAT(Differ().Lines({{"a", {{"b", 1}}}}, {{"a", {1}}}), ElementsAre("a: {\"b\":1} -> [1]"));
  EXPECT_THAT(Differ().Lines({{"a", {{"b", 1}}}}, {{"a", "x"}}), ElementsAre("a: {\"b\":1} -> \"x\""));
  EXPECT_THAT(Differ().Lines({{"a", {{"b", 1}}}}, {{"a", Unknown()}}), ElementsAre("a: {\"b\":1} -> ?"));
  EXPECT_THAT(Differ().Lines({{"a", nullptr}}, {{"a", Unknown()}}), ElementsAre("a:  -> ?"));
}

TEST(ValueChangesTest, WritesKeysThatAreNoNamesInQuotes) {
  EXPECT_THAT(Differ().Lines(nullptr, {{"tags", {{"a b", 1}, {"kubernetes.io/x", 2}}}}),
              ElementsAre("tags[\"a b\"]:  -> 1", "tags[\"kubernetes.io/x\"]:  -> 2"));
}

TEST(ValueChangesTest, CutsLongTexts) {
  Differ differ;
  differ.limits.shown_text_bytes = 10;
  EXPECT_THAT(differ.Lines(nullptr, {{"a", "12345678"}}), ElementsAre("a:  -> \"12345678\""));
  EXPECT_THAT(differ.Lines(nullptr, {{"a", "123456789"}}), ElementsAre("a:  -> \"123456789 cut"));
  EXPECT_THAT(differ.Lines(nullptr, {{"a", "ключи"}}), ElementsAre("a:  -> \"ключ cut"));
  EXPECT_THAT(differ.Lines({{"a", {1, 2, 3, 4, 5, 6}}}, {{"a", {1}}}),
              ElementsAre("a: [1,2,3,4,5 -> [1] cut"));
}

TEST(ValueChangesTest, FingerprintsWhatIsCutOrLeftOut) {
  Differ differ;
  differ.limits.shown_text_bytes = 10;
  differ.limits.attribute_changes = 1;
  differ.Find(nullptr, {{"a", std::string(20, 'x') + "1"}, {"b", 1}});
  const std::string first = differ.fingerprint;
  differ.Find(nullptr, {{"a", std::string(20, 'x') + "2"}, {"b", 1}});
  const std::string second = differ.fingerprint;
  differ.Find(nullptr, {{"a", std::string(20, 'x') + "1"}, {"b", 2}});
  EXPECT_NE(first, second);
  EXPECT_NE(first, differ.fingerprint);
}

TEST(ValueChangesTest, KeepsOnlySoManyChanges) {
  Differ differ;
  differ.limits.attribute_changes = 3;
  EXPECT_EQ(differ.Find(nullptr, {{"a", 1}, {"b", 2}, {"c", 3}}).omitted, 0);
  const ValueChanges found = differ.Find(nullptr, {{"a", 1}, {"b", 2}, {"c", 3}, {"password", "x"}});
  EXPECT_THAT(found.changes, SizeIs(3));
  EXPECT_EQ(found.omitted, 1);
  EXPECT_EQ(found.masked, 1);
}

TEST(ValueChangesTest, LeavesOutWhatHasTooLongAPath) {
  Differ differ;
  differ.limits.shown_path_bytes = 11;
  EXPECT_EQ(differ.Find(nullptr, {{std::string(10, 'a'), 1}}).omitted, 0);
  EXPECT_EQ(differ.Find(nullptr, {{std::string(11, 'a'), 1}}).omitted, 1);
}

TEST(ValueChangesTest, LeavesOutEverythingOnceTheRoomIsUsedUp) {
  Differ differ;
  differ.bytes_left = 1000;
  const size_t needed = [&] {
    differ.Find(nullptr, {{"a", "xx"}});
    return 1000 - differ.bytes_left;
  }();
  differ.bytes_left = 2 * needed;
  EXPECT_EQ(differ.Find(nullptr, {{"a", "xx"}, {"b", "xx"}}).omitted, 0);
  EXPECT_EQ(differ.bytes_left, 0u);
  differ.bytes_left = 2 * needed - 1;
  EXPECT_EQ(differ.Find(nullptr, {{"a", "xx"}, {"b", "xx"}}).omitted, 1);
  EXPECT_EQ(differ.Find(nullptr, {{"a", 1}}).omitted, 1);
}

// A key of a megabyte above a hundred thousand changes must not be written a hundred thousand times.
TEST(ValueChangesTest, TakesTimeLinearInTheSizeOfTheValues) {
  json many = json::array();
  for (int i = 0; i < 100'000; ++i) many.push_back(i);
  Differ differ;
  const ValueChanges found = differ.Find(nullptr, {{std::string(1 << 20, 'k'), many}});
  EXPECT_EQ(found.omitted, 100'000);
}

TEST(ShownJsonTest, CostsNoMoreThanItShows) {
  const std::string large(64 << 20, '\x01');
  KnownSecrets secrets;
  const Mask mask(Limits(), "paths", "", &secrets);
  const ShownJson shown = ShowJson(Value::String(large), mask.root(), 100);
  EXPECT_TRUE(shown.cut);
  EXPECT_EQ(shown.text.size(), 100u);
}

TEST(ShownJsonTest, CutsBetweenCharacters) {
  EXPECT_EQ(text::CutText("abc", 3), "abc");
  EXPECT_EQ(text::CutText("abc", 2), "ab");
  EXPECT_EQ(text::CutText("aé", 2), "a");
  EXPECT_EQ(text::CutText("\xf0\x9f\x98\x80", 3), "");
  EXPECT_EQ(text::CutText("", 0), "");
}

TEST(ContentHasherTest, IsTheHmacOfTheStandard) {
  // RFC 4231, test cases 1 and 6: a key that is shorter and one that is longer than a block.
  EXPECT_EQ(SaltedDigest(std::string(20, '\x0b')).Of(std::string_view("Hi There")),
            "sha256:b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(SaltedDigest(std::string(131, '\xaa'))
                .Of(std::string_view("Test Using Larger Than Block-Size Key - Hash Key First")),
            "sha256:60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace countersign::terraform
