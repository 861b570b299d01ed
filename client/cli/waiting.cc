#include "client/cli/waiting.h"

#include <ostream>

#include "client/cli/exit_code.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {

absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text) {
  return text.empty() ? absl::InfiniteDuration() : ParseDuration(text);
}

absl::StatusOr<v1::Proposal> WaitForDecision(Session& session, const std::string& name,
                                             absl::Duration timeout, const std::stop_token& stop) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  WaitOptions options;
  options.timeout = timeout;
  options.stop = stop;
  options.on_progress = [&session](const WaitProgress& progress) {
    const std::string waited = absl::FormatDuration(absl::Trunc(progress.waited, absl::Seconds(1)));
    if (!progress.interruption.ok()) {
      return session.ShowProgress(text::Concat("the broker is out of reach, trying again (", waited, ")"));
    }
    const auto& missing = progress.proposal.blocked_by();
    session.ShowProgress(text::Concat("waiting for a decision (", waited, ")", missing.empty() ? "" : ": ",
                                      missing.empty() ? "" : missing[0]));
  };
  session.ShowProgress("waiting for a decision");
  auto proposal = (*client)->Wait(name, options);
  session.EndProgress();
  return proposal;
}

absl::StatusOr<int> TellState(Session& session, const v1::Proposal& proposal) {
  if (session.json()) {
    if (const auto status = session.PrintJson(proposal); !status.ok()) return status;
    return kDone;
  }
  session.out() << EscapeLine(IdOf(proposal)) << " is " << session.Colored(proposal.state());
  if (!proposal.state_detail().empty()) session.out() << ": " << EscapeLine(proposal.state_detail());
  session.out() << '\n';
  for (const std::string& missing : proposal.blocked_by()) session.out() << EscapeLine(missing) << '\n';
  for (const auto& decision : proposal.decisions()) {
    if (decision.comment().empty()) continue;
    session.out() << EscapeLine(ShortPrincipal(decision.principal()))
                  << " says: " << EscapeLine(decision.comment()) << '\n';
  }
  session.out().flush();
  return kDone;
}

absl::StatusOr<int> WaitAndTell(Session& session, const std::string& name, absl::Duration timeout) {
  const auto proposal = WaitForDecision(session, name, timeout);
  if (proposal.status().code() == absl::StatusCode::kDeadlineExceeded) {
    session.Fail(proposal.status());
    return kStillPending;
  }
  if (!proposal.ok()) return proposal.status();
  if (const auto told = TellState(session, *proposal); !told.ok()) return told;
  return ExitCodeOf(proposal->state());
}

}  // namespace countersign::cli
