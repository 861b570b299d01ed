#include <utility>

#include "countersign/client.h"

namespace countersign {
namespace {

// Calls `page` with ever new page tokens until `limit` items (0 means all) are there or the list ends.
template <typename Item, typename Request, typename Page, typename Items>
absl::StatusOr<std::vector<Item>> Walk(Request request, size_t limit, const Page& page,
                                       const Items& items_of) {
  std::vector<Item> all;
  while (true) {
    auto answer = page(request);
    if (!answer.ok()) return answer.status();
    for (auto& item : *items_of(*answer)) {
      if (limit != 0 && all.size() == limit) return all;
      all.push_back(std::move(item));
    }
    if (answer->next_page_token().empty()) return all;
    if (limit != 0 && all.size() == limit) return all;
    request.set_page_token(answer->next_page_token());
  }
}

}  // namespace

absl::StatusOr<std::vector<v1::Proposal>> ListAllProposals(Client& client, v1::ListProposalsRequest request,
                                                           size_t limit, const CallOptions& options) {
  return Walk<v1::Proposal>(
      std::move(request), limit, [&](const auto& page) { return client.ListProposals(page, options); },
      [](v1::ListProposalsResponse& answer) { return answer.mutable_proposals(); });
}

absl::StatusOr<std::vector<v1::AuditEvent>> ListAllAuditEvents(Client& client,
                                                               v1::ListAuditEventsRequest request,
                                                               size_t limit, const CallOptions& options) {
  return Walk<v1::AuditEvent>(
      std::move(request), limit, [&](const auto& page) { return client.ListAuditEvents(page, options); },
      [](v1::ListAuditEventsResponse& answer) { return answer.mutable_events(); });
}

}  // namespace countersign
