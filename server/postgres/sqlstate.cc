#include "server/postgres/sqlstate.h"

#include "absl/strings/cord.h"
#include "core/error/error.h"

namespace countersign::postgres {
namespace {

constexpr char kDeliveryPayload[] = "countersign/postgres/delivery";
constexpr char kSqlstatePayload[] = "countersign/postgres/sqlstate";
constexpr char kConstraintPayload[] = "countersign/postgres/constraint";

constexpr char kNotSentText[] = "not sent";
constexpr char kInDoubtText[] = "in doubt";
constexpr char kAnsweredText[] = "answered";

const char* TextOf(Delivery delivery) {
  switch (delivery) {
    case Delivery::kNotSent:
      return kNotSentText;
    case Delivery::kInDoubt:
      return kInDoubtText;
    case Delivery::kAnswered:
      return kAnsweredText;
  }
  return kInDoubtText;
}

std::string_view MessageOf(v1::Reason reason) {
  switch (reason) {
    case v1::CONCURRENT_UPDATE:
      return "another update came at the same time; try again";
    case v1::DATABASE_TIMEOUT:
      return "the database did not answer in time; try again with more time";
    case v1::DATABASE_UNAVAILABLE:
      return "the database cannot be reached; try again later";
    default:
      return "the database refused a statement; the server's log says why";
  }
}

std::string PayloadOf(const absl::Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

v1::Reason ReasonOfSqlstate(std::string_view sqlstate) {
  if (sqlstate == "40001" || sqlstate == "40P01") return v1::CONCURRENT_UPDATE;
  if (sqlstate == "57014") return v1::DATABASE_TIMEOUT;
  // 25006: we are talking to what has become a standby.
  if (sqlstate.empty() || sqlstate == "25006" || sqlstate.starts_with("08") || sqlstate.starts_with("53") ||
      sqlstate.starts_with("57P")) {
    return v1::DATABASE_UNAVAILABLE;
  }
  return v1::INTERNAL;
}

absl::Status StatusOfSqlstate(std::string_view sqlstate, std::string_view constraint, Delivery delivery) {
  const v1::Reason reason = ReasonOfSqlstate(sqlstate);
  absl::Status status = StatusOfDelivery(reason, MessageOf(reason), delivery);
  if (!sqlstate.empty()) status.SetPayload(kSqlstatePayload, absl::Cord(std::string(sqlstate)));
  if (!constraint.empty()) status.SetPayload(kConstraintPayload, absl::Cord(std::string(constraint)));
  return status;
}

absl::Status StatusOfDelivery(v1::Reason reason, std::string_view message, Delivery delivery) {
  absl::Status status = error::Make(reason, message);
  status.SetPayload(kDeliveryPayload, absl::Cord(TextOf(delivery)));
  return status;
}

Delivery DeliveryOf(const absl::Status& status) {
  const std::string text = PayloadOf(status, kDeliveryPayload);
  if (text == kInDoubtText) return Delivery::kInDoubt;
  if (text == kAnsweredText) return Delivery::kAnswered;
  return Delivery::kNotSent;
}

std::string SqlstateOf(const absl::Status& status) { return PayloadOf(status, kSqlstatePayload); }
std::string ConstraintOf(const absl::Status& status) { return PayloadOf(status, kConstraintPayload); }

}  // namespace countersign::postgres
