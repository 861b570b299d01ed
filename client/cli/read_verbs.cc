// list, show, wait and watch: looking without changing anything.
#include <algorithm>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/finding_card.h"
#include "client/cli/plan_card.h"
#include "client/cli/proposal_card.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"
#include "client/cli/waiting.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kShownIdLength = 10;
constexpr size_t kShownCommandWidth = 48;

struct ListOptions {
  std::vector<std::string> states;
  std::string target;
  std::string requester;
  bool all = false;
  size_t limit = 50;
};

std::string Age(Session& session, const google::protobuf::Timestamp& time) {
  const absl::Duration age = session.environment().Now() - absl::FromUnixSeconds(time.seconds());
  if (age < absl::Minutes(1)) return "now";
  if (age < absl::Hours(1)) return text::Concat(absl::ToInt64Minutes(age), "m");
  if (age < absl::Hours(48)) return text::Concat(absl::ToInt64Hours(age), "h");
  return text::Concat(absl::ToInt64Hours(age) / 24, "d");
}

std::vector<std::string> Cells(Session& session, const v1::Proposal& proposal) {
  return {IdOf(proposal).substr(0, kShownIdLength),
          v1::Proposal::State_Name(proposal.state()),
          proposal.action().target().substr(proposal.action().target().find('/') + 1),
          proposal.environment(),
          ShortPrincipal(proposal.requester()),
          Age(session, proposal.create_time()),
          absl::AsciiStrToLower(WorstSeverity(proposal.findings())),
          Shorten(RunsInShort(proposal), kShownCommandWidth)};
}

absl::StatusOr<v1::ListProposalsRequest> MakeRequest(const ListOptions& options) {
  v1::ListProposalsRequest request;
  request.set_target(TargetName(options.target));
  request.set_requester(options.requester);
  request.set_page_size(
      static_cast<int32_t>(std::min<size_t>(options.limit == 0 ? 500 : options.limit, 500)));
  for (const std::string& text : options.states) {
    v1::Proposal::State state;
    if (!v1::Proposal::State_Parse(absl::AsciiStrToUpper(text), &state)) {
      return UsageError(text::Concat(text, " is not a state; one is for example pending"));
    }
    request.add_states(state);
  }
  if (options.states.empty() && !options.all) {
    for (const auto state :
         {v1::Proposal::PENDING, v1::Proposal::APPROVED, v1::Proposal::EXECUTING, v1::Proposal::AMBIGUOUS}) {
      request.add_states(state);
    }
  }
  return request;
}

absl::StatusOr<int> List(Session& session, const ListOptions& options) {
  const auto request = MakeRequest(options);
  if (!request.ok()) return request.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto proposals = ListAllProposals(**client, *request, options.limit, InteractiveCall());
  if (!proposals.ok()) return proposals.status();
  if (session.json()) {
    v1::ListProposalsResponse answer;
    for (const auto& proposal : *proposals) *answer.add_proposals() = proposal;
    if (const auto status = session.PrintJson(answer); !status.ok()) return status;
    return kDone;
  }
  Table table({"ID", "STATE", "TARGET", "ENVIRONMENT", "REQUESTER", "AGE", "WORST", "RUNS"});
  for (const auto& proposal : *proposals) table.Add(Cells(session, proposal));
  if (table.empty()) {
    session.out() << "nothing is waiting" << (options.all ? "" : "; --all shows what is over") << '\n';
  } else {
    // What somebody wants to run must not continue in the first column, where it could look like a row.
    session.world().out_is_terminal ? table.Print(session.out(), session.columns())
                                    : table.Print(session.out());
  }
  return kDone;
}

struct ShowOptions {
  std::string id;
  bool full = false;
  bool plan = false;
};

absl::StatusOr<int> ShowPlan(Session& session, const v1::Proposal& proposal, Detail detail) {
  const auto plan = FetchPlan(session, proposal);
  if (!plan.ok()) return plan.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*plan); !status.ok()) return status;
  } else {
    Print(session.out(), PlanRows(session, *plan, detail));
  }
  return kDone;
}

absl::StatusOr<int> Show(Session& session, const ShowOptions& options) {
  const auto proposal = session.Find(options.id);
  if (!proposal.ok()) return proposal.status();
  const Detail detail = options.full ? Detail::kFull : Detail::kShort;
  if (options.plan) return ShowPlan(session, *proposal, detail);
  const auto status =
      session.json() ? session.PrintJson(*proposal) : PrintCard(session, *proposal, detail).status();
  if (!status.ok()) return status;
  return kDone;
}

absl::StatusOr<int> Wait(Session& session, const std::string& id, const std::string& timeout_text) {
  const auto timeout = ParseTimeout(timeout_text);
  if (!timeout.ok()) return timeout.status();
  const auto name = session.ResolveName(id);
  if (!name.ok()) return name.status();
  return WaitAndTell(session, *name, *timeout);
}

void PrintChange(Session& session, const v1::Proposal& proposal) {
  const auto cells = Cells(session, proposal);
  const std::string start = text::Concat(TimeText(proposal.update_time()), "  ", EscapeLine(cells[0]), "  ");
  const std::string end = text::Concat("  ", EscapeLine(cells[2]), "  ", EscapeLine(cells.back()));
  const size_t used = Width(start) + cells[1].size();
  const size_t left = session.columns() > used ? session.columns() - used : 1;
  session.out() << start << session.Colored(proposal.state())
                << (session.world().out_is_terminal ? Shorten(end, left) : end) << std::endl;
}

absl::StatusOr<int> Watch(Session& session, const WatchOptions& given) {
  const auto client = session.client();
  if (!client.ok()) return client.status();
  WatchOptions options = given;
  options.on_interruption = [&session](const absl::Status& status) {
    session.ShowProgress(text::Concat("the broker is out of reach, trying again: ", text::MessageOf(status)));
  };
  absl::Status printed;
  const absl::Status status = (*client)->Watch(options, [&](const WatchEvent& event) {
    session.EndProgress();
    if (session.json()) {
      printed = session.PrintJson(event.proposal, true);
    } else {
      PrintChange(session, event.proposal);
    }
    return printed.ok() && session.out().good();
  });
  if (!printed.ok()) return printed;
  if (!status.ok()) return status;
  return kDone;
}

}  // namespace

void AddReadVerbs(Verbs& verbs, Session& session) {
  auto list = std::make_shared<ListOptions>();
  const Verb list_verb =
      verbs.Add("list", "List proposals that are not over yet, newest first",
                "  countersign list\n  countersign list --state pending --target prod-courses\n"
                "  countersign list --all --limit 500 --output json",
                [&session, list] { return List(session, *list); });
  list_verb.Option("--state", &list->states, "Only this state; may be repeated");
  list_verb.Option("--target", &list->target, "Only this target");
  list_verb.Option("--requester", &list->requester, "Only what this principal asked for",
                   {.type_name = "URI"});
  list_verb.Flag("--all", &list->all, "Also those that are over");
  list_verb.Option("--limit", &list->limit, "At most so many; 0 means no limit");

  auto shown = std::make_shared<ShowOptions>();
  const Verb show_verb = verbs.Add(
      "show", "Show one proposal: what the broker found in it, what it changes, who asks, what is missing",
      "  countersign show k3vq\n  countersign show k3vq --full | less\n"
      "  countersign show k3vq --output json          # the proposal with its findings\n"
      "  countersign show k3vq --plan --output json   # all that the broker read in the plan",
      [&session, shown] { return Show(session, *shown); });
  show_verb.Option("ID", &shown->id, "The proposal", {.required = true});
  show_verb.Flag("--full", &shown->full,
                 "All of the reason, the files, the findings and the plan, however long");
  show_verb.Flag("--plan", &shown->plan, "Only what its plan changes; as JSON all that was read in it");

  auto waited = std::make_shared<std::pair<std::string, std::string>>();
  const Verb wait_verb =
      verbs.Add("wait", "Wait for the decision; exits with 0 only if it is approved",
                "  countersign wait k3vq --timeout 30m && echo approved",
                [&session, waited] { return Wait(session, waited->first, waited->second); });
  wait_verb.Option("ID", &waited->first, "The proposal", {.required = true});
  wait_verb.Option("--timeout", &waited->second, "How long; default for ever", {.type_name = "DURATION"});

  auto watched = std::make_shared<WatchOptions>();
  const Verb watch_verb = verbs.Add("watch", "Print proposals as they change, without an end",
                                    "  countersign watch --target targets/prod-courses\n"
                                    "  countersign watch --output json | jq -r .name",
                                    [&session, watched] { return Watch(session, *watched); });
  watch_verb.Option("--target", &watched->target, "Only this target, targets/NAME");
}

}  // namespace countersign::cli
