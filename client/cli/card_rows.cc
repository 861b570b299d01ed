#include "client/cli/card_rows.h"

#include <ostream>
#include <utility>

#include "core/text/text.h"

namespace countersign::cli {
namespace {

// As wide as a label. Where nobody else's text can stand it says that the line above goes on.
constexpr std::string_view kContinued = "           … ";
constexpr std::string_view kIndent = "  ";

}  // namespace

std::string Label(const Session& session, std::string_view label, Tone tone) {
  return session.Painted(label, tone) + std::string(kLabelWidth - label.size(), ' ');
}

Lines Row(const Session& session, std::string_view label, std::string_view text, Break where,
          std::string_view mark, Tone tone) {
  Lines lines;
  for (const std::string& piece : Wrap(text, session.columns() - kLabelWidth - mark.size(), where)) {
    lines.push_back(
        text::Concat(lines.empty() ? Label(session, label, tone) : std::string(kContinued), mark, piece));
  }
  return lines;
}

Lines Indented(const Session& session, std::string_view text, Detail detail) {
  if (detail == Detail::kFull) return Row(session, "", text, Break::kAnywhere, kIndent);
  return {text::Concat(std::string(kLabelWidth, ' '), kIndent,
                       Shorten(text, session.columns() - kLabelWidth - kIndent.size()))};
}

Lines NotShown(const Session& session, std::string_view text) {
  return Row(session, "  NOT SHOWN", text, Break::kAtSpaces);
}

Lines Cut(const Session& session, Lines lines, size_t most, Detail detail) {
  if (detail == Detail::kFull || lines.size() <= most) return lines;
  const auto count = static_cast<int64_t>(lines.size() - most);
  lines.resize(most);
  Append(&lines, NotShown(session, text::Concat(Counted(count, "more line"), "; --full shows all")));
  return lines;
}

void Append(Lines* lines, Lines more) {
  for (std::string& line : more) lines->push_back(std::move(line));
}

void Print(std::ostream& out, const Lines& lines) {
  for (const std::string& line : lines) out << line << '\n';
}

void PrintRow(Session& session, std::string_view label, std::string_view text) {
  Print(session.out(), Row(session, label, text, Break::kAtSpaces));
}

std::string Counted(int64_t count, std::string_view singular) {
  return text::Concat(count, " ", singular, count == 1 ? "" : "s");
}

std::string Named(std::string_view text) {
  if (IsAscii(text)) return EscapeLine(text);
  return text::Concat(EscapeLine(text), " (in ASCII ", ShellQuoteAscii(text), ")");
}

}  // namespace countersign::cli
