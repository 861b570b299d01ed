// audit: what happened.
#include <algorithm>
#include <memory>
#include <ostream>

#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"

namespace countersign::cli {
namespace {

struct AuditOptions {
  std::string id;
  size_t limit = 1000;
};

absl::StatusOr<int> Audit(Session& session, const AuditOptions& options) {
  v1::ListAuditEventsRequest request;
  if (!options.id.empty()) {
    const auto name = session.ResolveName(options.id);
    if (!name.ok()) return name.status();
    request.set_proposal(*name);
  }
  request.set_page_size(
      static_cast<int32_t>(std::min<size_t>(options.limit == 0 ? 1000 : options.limit, 1000)));
  const auto client = session.client();
  if (!client.ok()) return client.status();
  const auto events = ListAllAuditEvents(**client, request, options.limit, InteractiveCall());
  if (!events.ok()) return events.status();
  if (options.limit != 0 && events->size() == options.limit) {
    session.err() << "countersign: these are the first " << options.limit
                  << " events; --limit 0 prints those after them too\n";
  }
  if (session.json()) {
    v1::ListAuditEventsResponse answer;
    for (const auto& event : *events) *answer.add_events() = event;
    if (const auto status = session.PrintJson(answer); !status.ok()) return status;
    return kDone;
  }
  Table table({"TIME", "EVENT", "BY", "PROPOSAL", "DETAILS"});
  for (const auto& event : *events) {
    table.Add({TimeText(event.event_time()), event.type(), ShortPrincipal(event.principal()),
               event.proposal().substr(event.proposal().find('/') + 1).substr(0, 10), event.details_json()});
  }
  table.Print(session.out());
  return kDone;
}

}  // namespace

void AddAuditVerb(Verbs& verbs, Session& session) {
  auto options = std::make_shared<AuditOptions>();
  const Verb verb = verbs.Add("audit", "Print the audit trail, oldest first",
                              "  countersign audit k3vq\n  countersign audit --limit 0 --output json",
                              [&session, options] { return Audit(session, *options); });
  verb.Option("ID", &options->id, "Only this proposal");
  verb.Option("--limit", &options->limit, "At most so many; 0 means no limit");
}

}  // namespace countersign::cli
