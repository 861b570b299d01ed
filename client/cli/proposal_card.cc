#include "client/cli/proposal_card.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "absl/strings/str_join.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int64_t kMostShownBytes = 64 << 10;
constexpr size_t kMostShownLines = 200;
constexpr size_t kLabelWidth = 13;

void Row(Session& session, std::string_view label, const std::string& text) {
  session.out() << session.Strong(label) << std::string(kLabelWidth - label.size(), ' ') << text << '\n';
}

void PrintAction(Session& session, const v1::Action& action) {
  const auto lines = CommandLines(action);
  for (size_t i = 0; i < lines.size(); ++i) Row(session, i == 0 ? "Runs" : "", lines[i]);
  const std::map<std::string, std::string> variables(action.environment().begin(),
                                                     action.environment().end());
  std::string_view label = "With";
  for (const auto& [name, value] : variables) {
    Row(session, label, text::Concat(EscapeLine(name), "=", ShellQuote(value)));
    label = "";
  }
}

void PrintContent(Session& session, const std::string& content) {
  const auto lines = EscapeLines(content);
  for (size_t i = 0; i < std::min(lines.size(), kMostShownLines); ++i) {
    session.out() << std::string(kLabelWidth, ' ') << "| " << lines[i] << '\n';
  }
  if (lines.size() > kMostShownLines) {
    session.out() << std::string(kLabelWidth, ' ') << "| … " << lines.size() - kMostShownLines
                  << " more lines are not shown\n";
  }
}

void PrintArtifact(Session& session, Client& client, const v1::Proposal& proposal,
                   const v1::ArtifactReference& artifact) {
  Row(session, "Reads",
      text::Concat(artifact.file_name().empty() ? "plan" : EscapeLine(artifact.file_name()), ", ",
                   artifact.size_bytes(), " bytes, ", EscapeLine(artifact.digest())));
  if (artifact.size_bytes() > kMostShownBytes) return;
  std::string content;
  const auto sink = [&content](std::string_view piece) {
    content += piece;
    return absl::OkStatus();
  };
  const absl::Status status = client.DownloadArtifact(proposal.name(), artifact.digest(), sink);
  if (!status.ok()) {
    Row(session, "",
        text::Concat("| (its content cannot be shown: ", EscapeLine(text::MessageOf(status)), ")"));
  } else if (!IsText(content)) {
    Row(session, "", "| (its content is not text)");
  } else {
    PrintContent(session, content);
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
  Row(session, "Needs", text::Concat(text, " (rule ", EscapeLine(requirement.rule()), ")"));
  for (const std::string& missing : proposal.blocked_by()) Row(session, "Missing", EscapeLine(missing));
  for (const auto& decision : proposal.decisions()) {
    const bool yes = decision.verdict() == v1::Decision::APPROVE;
    Row(session, yes ? "Approved by" : "Denied by",
        text::Concat(
            EscapeLine(ShortPrincipal(decision.principal())), " at ", TimeText(decision.decide_time()),
            decision.comment().empty() ? "" : text::Concat(", saying: ", EscapeLine(decision.comment()))));
    if (decision.action_digest() != proposal.action_digest())
      Row(session, "", "for ANOTHER digest than this");
  }
}

void PrintRequester(Session& session, const v1::Proposal& proposal) {
  session.out() << '\n'
                << EscapeLine(proposal.requester()) << ", the requester, says (nobody has checked it):\n";
  for (const std::string& line : EscapeLines(proposal.reason())) session.out() << "    > " << line << '\n';
}

void PrintHistory(Session& session, const v1::Proposal& proposal) {
  session.out() << '\n';
  Row(session, "Submitted", TimeText(proposal.create_time()));
  if (proposal.state() == v1::Proposal::PENDING) Row(session, "Expires", TimeText(proposal.expire_time()));
  if (proposal.has_approve_time()) {
    Row(session, "Approved",
        text::Concat(TimeText(proposal.approve_time()), ", usable until ",
                     TimeText(proposal.approval_expire_time())));
  }
  if (proposal.claim_count() > 0) Row(session, "Claimed", text::Concat(proposal.claim_count(), " times"));
  if (!proposal.has_execution()) return;
  const v1::Execution& execution = proposal.execution();
  Row(session, "Started",
      text::Concat(TimeText(execution.redeem_time()), " by ",
                   EscapeLine(ShortPrincipal(execution.executor()))));
  if (execution.has_report_time()) {
    Row(session, "Ended",
        text::Concat(TimeText(execution.report_time()), " with exit code ", execution.exit_code()));
  }
  if (execution.has_resolution()) {
    Row(session, "Resolved",
        text::Concat(TimeText(execution.resolution().resolve_time()), " by ",
                     EscapeLine(ShortPrincipal(execution.resolution().principal())),
                     ", saying: ", EscapeLine(execution.resolution().comment())));
  }
}

}  // namespace

std::vector<std::string> CommandLines(const v1::Action& action) {
  if (action.kind() == v1::TERRAFORM_PLAN) return {"terraform apply of the saved plan below"};
  const std::vector<std::string> arguments(action.argv().begin(), action.argv().end());
  const bool ordinary = std::all_of(arguments.begin(), arguments.end(),
                                    [](const std::string& text) { return IsPlain(text) && IsAscii(text); });
  if (ordinary) return {ShellCommand(arguments)};
  std::vector<std::string> lines = {"these arguments, of which some hold unusual characters:"};
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string line = text::Concat("[", i, "] ", ShellQuote(arguments[i]));
    if (!IsAscii(arguments[i])) line += text::Concat("   in ASCII: ", ShellQuoteAscii(arguments[i]));
    lines.push_back(line);
  }
  return lines;
}

std::string RunsInShort(const v1::Action& action) {
  if (action.kind() == v1::TERRAFORM_PLAN) return "terraform plan";
  return ShellCommand({action.argv().begin(), action.argv().end()});
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

absl::Status PrintCard(Session& session, const v1::Proposal& proposal) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  Row(session, "Proposal", EscapeLine(IdOf(proposal)));
  Row(session, "State",
      text::Concat(session.Colored(proposal.state()), proposal.state_detail().empty() ? "" : ": ",
                   EscapeLine(proposal.state_detail())));
  Row(session, "Target",
      text::Concat(EscapeLine(proposal.action().target()), ", environment ",
                   EscapeLine(proposal.environment())));
  PrintAction(session, proposal.action());
  for (const auto& artifact : proposal.action().artifacts())
    PrintArtifact(session, **client, proposal, artifact);
  Row(session, "Digest", EscapeLine(proposal.action_digest()));
  PrintRequirement(session, proposal);
  PrintRequester(session, proposal);
  PrintHistory(session, proposal);
  session.out().flush();
  return absl::OkStatus();
}

}  // namespace countersign::cli
