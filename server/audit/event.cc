#include "server/audit/event.h"

#include "core/digest/canonical_json.h"
#include "server/base/timestamps.h"

namespace countersign::audit {

v1::AuditEvent Event(std::string_view type, std::string_view principal, std::string_view proposal,
                     std::string_view request_id, absl::Time now, std::initializer_list<Detail> details) {
  v1::AuditEvent event;
  *event.mutable_event_time() = base::ToTimestamp(now);
  event.set_type(std::string(type));
  event.set_principal(std::string(principal));
  event.set_proposal(std::string(proposal));
  event.set_request_id(std::string(request_id));
  auto object = digest::CanonicalJson::Object();
  for (const auto& [name, value] : details) {
    if (!value.empty()) object.Set(name, digest::CanonicalJson::String(value));
  }
  event.set_details_json(object.Write().value_or("{}"));
  return event;
}

}  // namespace countersign::audit
