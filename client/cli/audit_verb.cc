// audit: what happened.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "absl/strings/ascii.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

struct AuditOptions {
  std::string id;
  size_t limit = 1000;
};

// Digests by their beginnings, which is enough to tell them apart by eye.
std::string ShortDigests(std::string text) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr size_t kDigits = 64;
  constexpr size_t kShown = 12;
  for (size_t at = 0; (at = text.find(kPrefix, at)) != std::string::npos; ++at) {
    const size_t begin = at + kPrefix.size();
    const size_t end = std::min(text.find_first_not_of("0123456789abcdef", begin), text.size());
    if (end - begin == kDigits) text.replace(begin + kShown, kDigits - kShown, "…");
  }
  return text;
}

// Bare where nothing could be misread.
std::string ValueText(const nlohmann::json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && text.find_first_of(" =\"\\") == std::string::npos) return text;
  }
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// "state=PENDING target=targets/courses action_digest=sha256:b6d137f5356b…", digests last.
std::string DetailsText(const std::string& details_json) {
  const nlohmann::json details = nlohmann::json::parse(details_json, nullptr, /*allow_exceptions=*/false);
  if (!details.is_object()) return details_json;
  std::string facts;
  std::string digests;
  for (const auto& [name, value] : details.items()) {
    (name.ends_with("_digest") ? digests : facts) += text::Concat(name, "=", ValueText(value), " ");
  }
  return ShortDigests(std::string(absl::StripTrailingAsciiWhitespace(facts + digests)));
}

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
               event.proposal().substr(event.proposal().find('/') + 1).substr(0, 10),
               DetailsText(event.details_json())});
  }
  table.Print(session.out());
  return kDone;
}

}  // namespace

void AddAuditVerb(Verbs& verbs, Session& session) {
  auto options = std::make_shared<AuditOptions>();
  const Verb verb = verbs.Add("audit", "Print the audit trail, oldest first; as JSON with whole digests",
                              "  countersign audit k3vq\n  countersign audit --limit 0 --output json",
                              [&session, options] { return Audit(session, *options); });
  verb.Option("ID", &options->id, "Only this proposal");
  verb.Option("--limit", &options->limit, "At most so many; 0 means no limit");
}

}  // namespace countersign::cli
