#include "client/cli/terminal_text.h"

#include <gmock/gmock.h>

namespace countersign::cli {
namespace {

using ::testing::ElementsAre;

TEST(TerminalTextTest, EscapesWhatLiesOrActs) {
  const struct {
    std::string text;
    std::string shown;
  } cases[] = {
      {"plain text, ümläut, 日本", "plain text, ümläut, 日本"},
      {"\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"},
      {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\u009b31m"},  // C1 control: CSI in one character
      {"abc\xe2\x80\xae"
       "fed",
       "abc\\u202efed"},                                 // right-to-left override
      {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},  // isolates
      {"pay\xe2\x80\x8bload", "pay\\u200bload"},         // zero-width space
      {"\xef\xbb\xbfx", "\\ufeffx"},                     // byte order mark
      {"a\xc2\xa0"
       "b",
       "a\\u00a0b"},                        // no-break space
      {"\xe2\x80\xa8", "\\u2028"},          // line separator
      {"\xf3\xa0\x81\x81", "\\U000e0041"},  // tag
      {"a\xcc\xb8", "a\\u0338"},            // stroke through the character before
      {"a\xd2\x89", "a\\u0489"},            // sign around it
      {"a\xe2\x83\x9d", "a\\u20dd"},        // circle around it
      {"\xd8\x80"
       "1",
       "\\u06001"},                                  // sign under the characters after
      {"\xdb\x9d", "\\u06dd"},                       // sign around them
      {"\xf0\x91\x82\xbd", "\\U000110bd"},           // sign over them
      {"e\xcc\x81", "e\xcc\x81"},                    // an accent is part of a letter
      {"\xff\xfe", "\\xff\\xfe"},                    // no UTF-8
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong
      {"\xe0\x82\xa9", "\\xe0\\x82\\xa9"},           // the same, of three bytes
      {"\xf0\x80\xac\xaf", "\\xf0\\x80\\xac\\xaf"},  // and of four
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"\xe2\x80", "\\xe2\\x80"},                    // cut short
  };
  for (const auto& test_case : cases) {
    SCOPED_TRACE(test_case.shown);
    EXPECT_EQ(EscapeLine(test_case.text), test_case.shown);
    EXPECT_EQ(IsPlain(test_case.text), test_case.text == test_case.shown);
  }
}

TEST(TerminalTextTest, KeepsLinesApartAndEscapesEach) {
  EXPECT_THAT(EscapeLines("one\n\ttwo\x1b[1m\n"), ElementsAre("one", "    two\\x1b[1m"));
  EXPECT_THAT(EscapeLines(""), ElementsAre(""));
}

TEST(TerminalTextTest, QuotesForTheShellWithoutAmbiguity) {
  const struct {
    std::string argument;
    std::string quoted;
  } cases[] = {
      {"dropdb", "dropdb"},
      {"--if-exists=x", "--if-exists=x"},
      {"", "''"},
      {"a b", "'a b'"},
      {"it's", "'it'\\''s'"},
      {"$(rm -rf /)", "'$(rm -rf /)'"},
      {"a\nb", "$'a\\nb'"},
      {"a\\nb", "'a\\nb'"},
      {"back\\slash'\n", "$'back\\\\slash\\'\\n'"},
      {"[a,b]", "'[a,b]'"},
      {"\xe2\x80\xae", "$'\\u202e'"},
      {"\xff", "$'\\xff'"},
      {"~root", "'~root'"},
  };
  for (const auto& test_case : cases) EXPECT_EQ(ShellQuote(test_case.argument), test_case.quoted);
  EXPECT_EQ(ShellCommand({"psql", "-c", "DROP TABLE x; -- \n"}), "psql -c $'DROP TABLE x; -- \\n'");
  EXPECT_EQ(ShellQuoteAscii("d\xd0\xb0ta"), "$'d\\u0430ta'");  // A Cyrillic а.
}

TEST(TerminalTextTest, ShortensByColumnsAndNotByBytes) {
  EXPECT_EQ(Shorten("ääää", 4), "ääää");
  EXPECT_EQ(Shorten("äääää", 4), "äää…");
  EXPECT_EQ(Shorten("日本語", 5), "日本…");
  EXPECT_EQ(Width("ä€"), 2u);
  EXPECT_EQ(Width("日本 Ａ"), 7u);
  EXPECT_EQ(Width("🦀⚡"), 4u);
}

TEST(TerminalTextTest, WrapsByColumnsAndLosesNothing) {
  EXPECT_THAT(Wrap("", 4, Break::kAnywhere), ElementsAre(""));
  EXPECT_THAT(Wrap("abcd", 4, Break::kAnywhere), ElementsAre("abcd"));
  EXPECT_THAT(Wrap("abcdefghi", 4, Break::kAnywhere), ElementsAre("abcd", "efgh", "i"));
  EXPECT_THAT(Wrap("日本語ab", 5, Break::kAnywhere), ElementsAre("日本", "語ab"));
  EXPECT_THAT(Wrap("ab cd efghijk", 6, Break::kAtSpaces), ElementsAre("ab cd", "efghij", "k"));
  EXPECT_THAT(Wrap("日", 0, Break::kAnywhere), ElementsAre("日")) << "narrower than any character";
}

TEST(TerminalTextTest, KnowsTextFromBytes) {
  EXPECT_TRUE(IsText("SELECT 1;\n"));
  EXPECT_FALSE(IsText(std::string("\0", 1)));
  EXPECT_FALSE(IsText("\xff"));
}

TEST(TerminalTextTest, JsonStaysTheSameValueWithoutWhatLies) {
  EXPECT_EQ(EscapeJson("{\n \"a\": \"\\u0007 \xc3\xbc \xe6\x97\xa5\"\n}\n"),
            "{\n \"a\": \"\\u0007 \xc3\xbc \xe6\x97\xa5\"\n}\n");
  EXPECT_EQ(EscapeJson("\"\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c\x7f\""), "\"\\u2066x\\u2069\\u061c\\u007f\"");
  EXPECT_EQ(EscapeJson("\"\xf3\xa0\x81\x81\""), "\"\\udb40\\udc41\"");  // Beyond 16 bits: two halves.
  EXPECT_EQ(EscapeJson("\"\xff\""), "\"\\ufffd\"");
}

}  // namespace
}  // namespace countersign::cli
