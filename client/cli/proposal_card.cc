#include "client/cli/proposal_card.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <ostream>
#include <utility>

#include "absl/strings/str_join.h"
#include "client/cli/card_rows.h"
#include "client/cli/finding_card.h"
#include "client/cli/plan_card.h"
#include "client/cli/terminal_text.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int64_t kMostShownBytes = 64 << 10;
constexpr size_t kMostShownLines = 200;
constexpr size_t kMostReasonLines = 16;
constexpr size_t kMostRepeatedLines = 12;
constexpr size_t kRepeatedAtTheEnd = 4;
constexpr size_t kMostRepeatedSummaryLines = 4;
// Of the answer to a single call: the view of the largest plan, on a thin line.
constexpr absl::Duration kPlanTimeout = absl::Minutes(2);

Lines MoreLines(const Session& session, size_t count) {
  return NotShown(session, text::Concat(count, " more lines; `countersign show --full` has them"));
}

void PrintFirst(Session& session, size_t most, Lines lines) {
  const size_t count = lines.size();
  lines.resize(std::min(count, most));
  Print(session.out(), lines);
  if (count > most) Print(session.out(), MoreLines(session, count - most));
}

// In one piece, to be copied: what is so plain imitates nothing, even where the terminal wraps it.
std::string DigestLine(Session& session, std::string_view label, const std::string& digest) {
  return Label(session, label) + (digest::IsSha256(digest) ? digest : ShellQuoteAscii(digest));
}

// The text quoted, and if not all of it is ASCII also what its characters are.
void AddQuoted(Session& session, std::string_view label, const std::string& name, const std::string& value,
               Lines* lines) {
  Append(lines, Row(session, label, name + ShellQuote(value), Break::kAnywhere));
  if (IsAscii(value)) return;
  Append(lines, Row(session, "  in ASCII", name + ShellQuoteAscii(value), Break::kAnywhere));
}

// What it runs: on one line if nothing in it could mislead, else an argument a line.
Lines CommandRows(Session& session, const v1::Action& action) {
  if (action.kind() == v1::TERRAFORM_PLAN) {
    return Row(session, "Runs", "terraform apply of the saved plan", Break::kAtSpaces);
  }
  const std::vector<std::string> arguments(action.argv().begin(), action.argv().end());
  const bool ordinary = std::all_of(arguments.begin(), arguments.end(),
                                    [](const std::string& text) { return IsPlain(text) && IsAscii(text); });
  if (ordinary) return Row(session, "Runs", ShellCommand(arguments), Break::kAnywhere);
  Lines lines =
      Row(session, "Runs", "these arguments, of which some hold unusual characters:", Break::kAtSpaces);
  for (size_t i = 0; i < arguments.size(); ++i) {
    AddQuoted(session, "", text::Concat("[", i, "] "), arguments[i], &lines);
  }
  return lines;
}

Lines ActionRows(Session& session, const v1::Action& action) {
  Lines lines = CommandRows(session, action);
  const std::map<std::string, std::string> variables(action.environment().begin(),
                                                     action.environment().end());
  std::string_view label = "With";
  for (const auto& [name, value] : variables) {
    AddQuoted(session, label, text::Concat(EscapeLine(name), "="), value, &lines);
    label = "";
  }
  return lines;
}

std::string TargetText(const v1::Proposal& proposal) {
  return text::Concat(EscapeLine(proposal.action().target()), ", environment ",
                      EscapeLine(proposal.environment()));
}

void PrintContent(Session& session, const std::string& content, Detail detail) {
  Lines lines;
  for (const std::string& line : EscapeLines(content)) {
    Append(&lines, Row(session, "", line, Break::kAnywhere, "| "));
  }
  PrintFirst(session, detail == Detail::kFull ? lines.size() : kMostShownLines, lines);
}

void PrintArtifact(Session& session, Client& client, const v1::Proposal& proposal,
                   const v1::ArtifactReference& artifact, Detail detail) {
  PrintRow(session, "Reads",
           text::Concat(artifact.file_name().empty() ? "plan" : EscapeLine(artifact.file_name()), ", ",
                        artifact.size_bytes(), " bytes,"));
  session.out() << DigestLine(session, "", artifact.digest()) << '\n';
  if (proposal.action().kind() == v1::TERRAFORM_PLAN) return;  // Its content is what stands above.
  if (detail == Detail::kShort && artifact.size_bytes() > kMostShownBytes) {
    return PrintRow(session, "  NOT SHOWN", "it is long; `countersign show --full` has it");
  }
  std::string content;
  const auto sink = [&content](std::string_view piece) {
    content += piece;
    return absl::OkStatus();
  };
  const absl::Status status = client.DownloadArtifact(proposal.name(), artifact.digest(), sink);
  if (!status.ok()) {
    PrintRow(session, "  NOT SHOWN", EscapeLine(text::MessageOf(status)));
  } else if (!IsText(content)) {
    PrintRow(session, "  NOT SHOWN", "its content is not text");
  } else {
    PrintContent(session, content, detail);
  }
}

std::string QuorumText(const v1::Quorum& quorum) {
  const std::string people = quorum.groups().empty() ? "any human" : absl::StrJoin(quorum.groups(), " or ");
  return EscapeLine(
      text::Concat(quorum.count(), quorum.count() == 1 ? " approval" : " approvals", " by ", people));
}

void PrintRequirement(Session& session, const v1::Proposal& proposal) {
  const v1::Requirement& requirement = proposal.requirement();
  std::string text;
  if (requirement.verdict() == v1::Requirement::ALLOW) text = "nobody's approval";
  if (requirement.verdict() == v1::Requirement::DENY) text = "is refused";
  for (const auto& quorum : requirement.quorums())
    text += text::Concat(text.empty() ? "" : "; ", QuorumText(quorum));
  if (requirement.owner_excluded()) text += "; not by the agent's owner";
  PrintRow(session, "Needs", text::Concat(text, " (rule ", EscapeLine(requirement.rule()), ")"));
  for (const std::string& missing : proposal.blocked_by()) PrintRow(session, "Missing", EscapeLine(missing));
  for (const auto& decision : proposal.decisions()) {
    const bool yes = decision.verdict() == v1::Decision::APPROVE;
    PrintRow(
        session, yes ? "Approved by" : "Denied by",
        text::Concat(
            EscapeLine(ShortPrincipal(decision.principal())), " at ", TimeText(decision.decide_time()),
            decision.comment().empty() ? "" : text::Concat(", saying: ", EscapeLine(decision.comment()))));
    if (decision.action_digest() != proposal.action_digest())
      PrintRow(session, "", "for ANOTHER digest than this");
  }
}

void PrintRequester(Session& session, const v1::Proposal& proposal, Detail detail) {
  constexpr std::string_view kMark = "    > ";
  Lines lines;
  for (const std::string& line : EscapeLines(proposal.reason())) {
    for (const std::string& piece : Wrap(line, session.columns() - kMark.size(), Break::kAtSpaces)) {
      lines.push_back(text::Concat(kMark, piece));
    }
  }
  const std::string whose =
      text::Concat(EscapeLine(proposal.requester()), ", the requester, says (nobody has checked it):");
  session.out() << '\n';
  Print(session.out(), Wrap(whose, session.columns(), Break::kAtSpaces));
  PrintFirst(session, detail == Detail::kFull ? lines.size() : kMostReasonLines, lines);
}

void PrintHistory(Session& session, const v1::Proposal& proposal) {
  session.out() << '\n';
  PrintRow(session, "Submitted", TimeText(proposal.create_time()));
  if (proposal.state() == v1::Proposal::PENDING)
    PrintRow(session, "Expires", TimeText(proposal.expire_time()));
  if (proposal.has_approve_time()) {
    PrintRow(session, "Approved",
             text::Concat(TimeText(proposal.approve_time()), ", usable until ",
                          TimeText(proposal.approval_expire_time())));
  }
  if (proposal.claim_count() > 0) PrintRow(session, "Claimed", Counted(proposal.claim_count(), "time"));
  if (!proposal.has_execution()) return;
  const v1::Execution& execution = proposal.execution();
  PrintRow(session, "Started",
           text::Concat(TimeText(execution.redeem_time()), " by ",
                        EscapeLine(ShortPrincipal(execution.executor()))));
  if (execution.has_report_time()) {
    PrintRow(session, "Ended",
             text::Concat(TimeText(execution.report_time()), " with exit code ", execution.exit_code()));
  }
  if (execution.has_resolution()) {
    PrintRow(session, "Resolved",
             text::Concat(TimeText(execution.resolution().resolve_time()), " by ",
                          EscapeLine(ShortPrincipal(execution.resolution().principal())),
                          ", saying: ", EscapeLine(execution.resolution().comment())));
  }
}

absl::Status PrintPlan(Session& session, const v1::Proposal& proposal, Detail detail) {
  const auto plan = FetchPlan(session, proposal);
  if (plan.ok()) {
    Print(session.out(), PlanRows(session, *plan, detail));
    return absl::OkStatus();
  }
  if (proposal.has_plan()) PrintRow(session, "Plan", CountsText(proposal.plan().counts()));
  Print(session.out(), NotShown(session, text::Concat("what the plan changes: ",
                                                      EscapeLine(text::MessageOf(plan.status())))));
  return plan.status();
}

}  // namespace

std::string ActionInShort(Session& session, const v1::Proposal& proposal) {
  Lines lines = Row(session, "Target", TargetText(proposal), Break::kAtSpaces);
  Append(&lines, ActionRows(session, proposal.action()));
  if (proposal.action().kind() == v1::TERRAFORM_PLAN && proposal.has_plan())
    Append(&lines, Row(session, "Plan", CountsText(proposal.plan().counts()), Break::kAtSpaces));
  if (lines.size() > kMostRepeatedLines) {
    const size_t left_out = lines.size() - kMostRepeatedLines;
    const Lines last(lines.end() - kRepeatedAtTheEnd, lines.end());
    lines.resize(kMostRepeatedLines - kRepeatedAtTheEnd);
    Append(&lines, MoreLines(session, left_out));
    Append(&lines, last);
  }
  Lines verdict = VerdictRows(session, proposal.summary());
  if (verdict.size() > kMostRepeatedSummaryLines) {
    const size_t left_out = verdict.size() - kMostRepeatedSummaryLines;
    verdict.resize(kMostRepeatedSummaryLines);
    Append(&verdict, MoreLines(session, left_out));
  }
  Append(&verdict, std::move(lines));
  verdict.push_back(DigestLine(session, "Digest", proposal.action_digest()));
  return text::Concat(absl::StrJoin(verdict, "\n"), "\n");
}

std::string RunsInShort(const v1::Proposal& proposal) {
  const v1::Action& action = proposal.action();
  if (action.kind() == v1::TERRAFORM_PLAN) {
    if (!proposal.has_plan()) return "terraform plan";
    return text::Concat("terraform plan: ", CountsText(proposal.plan().counts()));
  }
  const std::vector<std::string> arguments(action.argv().begin(), action.argv().end());
  return absl::StrJoin(arguments, " ", [](std::string* out, const std::string& argument) {
    *out += ShellQuoteAscii(argument);
  });
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

Lines JudgementRows(const Session& session, const v1::Proposal& proposal, Detail detail) {
  const Codes& forbidden = proposal.requirement().forbidden_findings();
  Lines lines = VerdictRows(session, proposal.summary());
  Append(&lines, ForbiddenRows(session, forbidden, proposal.findings()));
  Append(&lines, FindingRows(session, proposal.findings(), forbidden, detail));
  return lines;
}

absl::StatusOr<v1::PlanView> FetchPlan(Session& session, const v1::Proposal& proposal) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  auto plan = (*client)->GetPlanView(proposal.name(), {.timeout = kPlanTimeout});
  if (!plan.ok() || !proposal.has_plan()) return plan;
  const v1::PlanSummary& judged = proposal.plan();
  if (plan->fingerprint() != judged.fingerprint() || plan->state().lineage() != judged.lineage() ||
      plan->state().serial() != judged.serial()) {
    return error::Make(v1::DATA_CORRUPTED, "what the broker shows of the plan is not what it judged");
  }
  return plan;
}

absl::StatusOr<CardShown> PrintCard(Session& session, const v1::Proposal& proposal, Detail detail) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  CardShown shown;
  const Lines judgement = JudgementRows(session, proposal, detail);
  Print(session.out(), judgement);
  if (!judgement.empty()) session.out() << '\n';
  if (proposal.action().kind() == v1::TERRAFORM_PLAN) {
    shown.plan = PrintPlan(session, proposal, detail);
    session.out() << '\n';
  }
  PrintRow(session, "Proposal", EscapeLine(IdOf(proposal)));
  session.out() << Label(session, "State") << session.Colored(proposal.state()) << '\n';
  if (!proposal.state_detail().empty()) PrintRow(session, "", EscapeLine(proposal.state_detail()));
  PrintRow(session, "Target", TargetText(proposal));
  Print(session.out(), ActionRows(session, proposal.action()));
  for (const auto& artifact : proposal.action().artifacts())
    PrintArtifact(session, **client, proposal, artifact, detail);
  session.out() << DigestLine(session, "Digest", proposal.action_digest()) << '\n';
  PrintRequirement(session, proposal);
  PrintRequester(session, proposal, detail);
  PrintHistory(session, proposal);
  session.out().flush();
  return shown;
}

}  // namespace countersign::cli
