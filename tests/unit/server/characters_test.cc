#include "server/proposal/characters.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

#include "core/error/error.h"
#include "tests/support/status_matchers.h"

namespace countersign::proposal {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::NamesField;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CharactersTest, AcceptsTheWordsOfPeople) {
  for (const char* text : {"", "because of #42\n\tsee the ticket", "größer, 東京, \U0001F600",
                           "\u00A0\u0600\u200D\u2029\u2065\u206A"}) {
    EXPECT_OK(CheckCharacters(text, "reason")) << text;
  }
}

TEST(CharactersTest, RefusesWhatCouldShowSomethingElseThanIsThere) {
  const std::pair<std::string, const char*> cases[] = {
      {std::string("a\0b", 3), "U+0000"},
      {"a\x1B[2Jb", "U+001B"},
      {"approved\rdenied", "U+000D"},
      {"a\bb", "U+0008"},
      {"\x7F", "U+007F"},
      {"\u0080", "U+0080"},
      {"a\u009B"
       "2Jb",
       "U+009B"},
      {"\u009F", "U+009F"},
      {"\u061C", "U+061C"},
      {"\u200E", "U+200E"},
      {"\u200F", "U+200F"},
      {"\u202A", "U+202A"},
      {"drop \u202Esafe", "U+202E"},
      {"\u2066", "U+2066"},
      {"x\u2069", "U+2069"},
  };
  for (const auto& [text, character] : cases) {
    const absl::Status status = CheckCharacters(text, "comment");
    EXPECT_THAT(status, HasReason(v1::INVALID_FIELD)) << character;
    EXPECT_THAT(status, NamesField("comment"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(character));
  }
}

TEST(CharactersTest, ReadsNothingBehindTheEndOfABrokenText) {
  constexpr std::string_view kOverride = "\u202E";
  ASSERT_EQ(kOverride.size(), 3u);
  EXPECT_OK(CheckCharacters(kOverride.substr(0, 1), "reason"));
  EXPECT_THAT(std::string(CheckCharacters(kOverride.substr(0, 2), "reason").message()),
              Not(HasSubstr("U+202E")));
}

}  // namespace
}  // namespace countersign::proposal
