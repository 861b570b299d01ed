#ifndef COUNTERSIGN_SERVER_AUDIT_EVENT_H_
#define COUNTERSIGN_SERVER_AUDIT_EVENT_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::audit {

// What the broker does on its own, because time passed.
inline constexpr std::string_view kBroker = "broker";

using Detail = std::pair<std::string_view, std::string>;

// An event of `type`, with `details` as a canonical JSON object of strings. No detail may be a secret. Text
// that is not UTF-8 is left out rather than failing the transition that the event is part of.
v1::AuditEvent Event(std::string_view type, std::string_view principal, std::string_view proposal,
                     std::string_view request_id, absl::Time now, std::initializer_list<Detail> details);

}  // namespace countersign::audit

#endif  // COUNTERSIGN_SERVER_AUDIT_EVENT_H_
