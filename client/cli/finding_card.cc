#include "client/cli/finding_card.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostMildFindings = 8;
constexpr int kMostEvidence = 3;
constexpr size_t kMostLines = 8;  // Of one text.

// What this version does not know counts as the worst.
int Rank(v1::Finding::Severity severity) {
  const bool known = severity >= v1::Finding::INFO && severity <= v1::Finding::CRITICAL;
  return known ? severity : v1::Finding::CRITICAL + 1;
}

Tone ToneOf(v1::Finding::Severity severity) {
  if (Rank(severity) >= v1::Finding::HIGH) return Tone::kBad;
  return severity == v1::Finding::WARNING ? Tone::kCareful : Tone::kPlain;
}

bool Hurts(const v1::Finding& finding) { return Rank(finding.severity()) >= v1::Finding::HIGH; }

bool Holds(const Codes& codes, const std::string& code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::vector<const v1::Finding*> WorstFirst(const Findings& findings) {
  std::vector<const v1::Finding*> sorted;
  for (const v1::Finding& finding : findings) sorted.push_back(&finding);
  std::stable_sort(sorted.begin(), sorted.end(), [](const v1::Finding* left, const v1::Finding* right) {
    return Rank(left->severity()) > Rank(right->severity());
  });
  return sorted;
}

std::string EvidenceText(const v1::Evidence& evidence) {
  std::string text = Named(evidence.address());
  if (!evidence.path().empty()) text += text::Concat(text.empty() ? "" : " ", Named(evidence.path()));
  if (!evidence.value().empty()) text += text::Concat(text.empty() ? "" : ": ", Named(evidence.value()));
  return text;
}

Lines EvidenceRows(const Session& session, const v1::Finding& finding, Detail detail) {
  const int count = finding.evidence_size();
  const int shown = detail == Detail::kFull ? count : std::min(count, kMostEvidence);
  Lines lines;
  for (int i = 0; i < shown; ++i) {
    Append(&lines, Indented(session, EvidenceText(finding.evidence(i)), detail));
  }
  const int64_t more = count - shown + finding.evidence_omitted();
  if (more <= 0) return lines;
  const bool all_known = finding.evidence_omitted() == 0 && detail == Detail::kShort;
  Append(&lines,
         Indented(session, text::Concat(more, " more", all_known ? "; --full shows them" : ""), detail));
  return lines;
}

Lines OneFinding(const Session& session, const v1::Finding& finding, bool forbidden, Detail detail) {
  Lines lines = Row(session, text::Concat("  ", SeverityText(finding.severity())),
                    text::Concat(EscapeLine(finding.code()), ": ", EscapeLine(finding.sentence())),
                    Break::kAtSpaces, "", ToneOf(finding.severity()));
  lines = Cut(session, std::move(lines), kMostLines, detail);
  if (detail == Detail::kFull || Hurts(finding) || finding.severity() == v1::Finding::WARNING) {
    Append(&lines, EvidenceRows(session, finding, detail));
  }
  if (!finding.resolution().empty() && !forbidden && (detail == Detail::kFull || Hurts(finding))) {
    const std::string text = text::Concat("What to do: ", EscapeLine(finding.resolution()));
    Append(&lines, Cut(session, Row(session, "", text, Break::kAtSpaces), kMostLines, detail));
  }
  return lines;
}

}  // namespace

std::string SeverityText(v1::Finding::Severity severity) {
  const bool known = severity >= v1::Finding::INFO && severity <= v1::Finding::CRITICAL;
  return known ? v1::Finding::Severity_Name(severity) : "UNKNOWN";
}

std::string WorstSeverity(const Findings& findings) {
  return findings.empty() ? "" : SeverityText(WorstFirst(findings).front()->severity());
}

Lines VerdictRows(const Session& session, std::string_view summary) {
  if (summary.empty()) return {};
  return Row(session, "Verdict", EscapeLine(summary), Break::kAtSpaces);
}

Lines ForbiddenRows(const Session& session, const Codes& forbidden, const Findings& findings,
                    std::string_view sentence) {
  if (forbidden.empty()) return {};
  Lines lines = Row(session, "STOP", text::Concat(sentence, EscapeLine(absl::StrJoin(forbidden, ", "))),
                    Break::kAtSpaces, "", Tone::kBad);
  for (const v1::Finding& finding : findings) {
    if (finding.resolution().empty() || !Holds(forbidden, finding.code())) continue;
    Append(&lines, Row(session, "", EscapeLine(finding.resolution()), Break::kAtSpaces));
  }
  return lines;
}

Lines FindingRows(const Session& session, const Findings& findings, const Codes& forbidden, Detail detail) {
  Lines lines;
  size_t mild = 0;
  size_t left_out = 0;
  for (const v1::Finding* finding : WorstFirst(findings)) {
    if (!Hurts(*finding) && ++mild > kMostMildFindings && detail == Detail::kShort) {
      ++left_out;
    } else {
      Append(&lines, OneFinding(session, *finding, Holds(forbidden, finding->code()), detail));
    }
  }
  if (left_out > 0)
    Append(&lines, NotShown(session, text::Concat(left_out, " more findings; --full shows them")));
  return lines;
}

}  // namespace countersign::cli
