// What cards are made of: labelled rows, wrapped here, so that nobody else's text can stand where the labels
// do. Texts are escaped before they come here.
#ifndef COUNTERSIGN_CLIENT_CLI_CARD_ROWS_H_
#define COUNTERSIGN_CLIENT_CLI_CARD_ROWS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/session.h"
#include "client/cli/terminal_text.h"

namespace countersign::cli {

// Whether what is long is cut, saying so, or shown to its end.
enum class Detail { kShort, kFull };

using Lines = std::vector<std::string>;

inline constexpr size_t kLabelWidth = 13;

// The label, painted, as wide as all of them.
std::string Label(const Session& session, std::string_view label, Tone tone = Tone::kStrong);

// The text beside its label, in as many lines as it takes. `mark` is repeated at the start of each.
Lines Row(const Session& session, std::string_view label, std::string_view text, Break where,
          std::string_view mark = "", Tone tone = Tone::kStrong);
// The text beside no label and indented; on one line that is cut if `detail` is short.
Lines Indented(const Session& session, std::string_view text, Detail detail);
// Says that something is left out, which is `text`.
Lines NotShown(const Session& session, std::string_view text);

// No more than `most` lines, saying how many are left out; all of them if `detail` is full.
Lines Cut(const Session& session, Lines lines, size_t most, Detail detail);

void Append(Lines* lines, Lines more);
void Print(std::ostream& out, const Lines& lines);
// Of a text that breaks at spaces.
void PrintRow(Session& session, std::string_view label, std::string_view text);

// "1 resource", "2 resources".
std::string Counted(int64_t count, std::string_view singular);
// Escaped; followed by what it is in ASCII where letters could pass for others.
std::string Named(std::string_view text);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_CARD_ROWS_H_
