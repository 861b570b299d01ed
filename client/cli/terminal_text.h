// Text that others wrote, made safe to show: what a human sees on a terminal must not lie and must not act.
// The one place for this; everything that came over the wire goes through here before it is printed.
#ifndef COUNTERSIGN_CLIENT_CLI_TERMINAL_TEXT_H_
#define COUNTERSIGN_CLIENT_CLI_TERMINAL_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::cli {

// For one line: control characters (newlines too), ANSI escapes, bidirectional and zero-width characters,
// spaces that are not the space, private and unassigned-looking ones, and bytes that are not UTF-8 become \n,
// \x1b, \u202e and the like.
std::string EscapeLine(std::string_view text);

// The same for text of several lines: its lines, each escaped, tabs as four spaces.
std::vector<std::string> EscapeLines(std::string_view text);

// The same value as JSON: characters beyond ASCII that EscapeLine() would escape, and the delete character,
// as \uXXXX. `json` is valid, and so escapes the other control characters itself.
std::string EscapeJson(std::string_view json);

// Whether EscapeLine() would leave it as it is.
bool IsPlain(std::string_view text);
// Whether it is valid UTF-8 without NUL, so worth showing as text.
bool IsText(std::string_view text);
bool IsAscii(std::string_view text);

// As a POSIX shell takes it; $'…' (bash, ksh, zsh) where the argument holds what EscapeLine() would escape.
// Two different arguments never look the same, except for letters that look alike.
std::string ShellQuote(std::string_view argument);
// The same with everything beyond ASCII escaped.
std::string ShellQuoteAscii(std::string_view argument);
// The whole command on one line.
std::string ShellCommand(const std::vector<std::string>& arguments);

// In columns of a terminal: East Asian wide characters and emoji are two, everything else is one. Where
// terminals differ it is the larger number, so a line never is wider than this says. `text` is escaped
// already.
size_t Width(std::string_view text);
// At most `width` columns, the last one "…" if something was cut off. `text` is escaped already.
std::string Shorten(std::string_view text, size_t width);

enum class Break { kAnywhere, kAtSpaces };
// The text in lines of at most `width` columns (at least two), which put together are the text again: nothing
// is left to the terminal, whose own wrapping starts in its first column. kAtSpaces breaks at a space where
// there is one, and leaves out the spaces at the break. `text` is escaped already.
std::vector<std::string> Wrap(std::string_view text, size_t width, Break where);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_TERMINAL_TEXT_H_
