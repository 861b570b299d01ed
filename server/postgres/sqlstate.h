// What a failure of the database means to a caller. Every status made here carries, besides its reason,
// what the store needs to settle the outcome: whether the statement can have taken effect, the SQLSTATE
// and the constraint. The driver's own text can hold row values and is never part of a status.
#ifndef COUNTERSIGN_SERVER_POSTGRES_SQLSTATE_H_
#define COUNTERSIGN_SERVER_POSTGRES_SQLSTATE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "countersign/v1/reason.pb.h"

namespace countersign::postgres {

// What is known about a statement that failed.
enum class Delivery {
  kNotSent,   // It certainly had no effect: the server never had all of it. May be repeated.
  kInDoubt,   // It may have been committed. Never repeat a write; settle it by its request_id.
  kAnswered,  // The server refused it; it had no effect.
};

inline constexpr std::string_view kUniqueViolation = "23505";
inline constexpr std::string_view kForeignKeyViolation = "23503";
inline constexpr std::string_view kCheckViolation = "23514";
inline constexpr std::string_view kInsufficientPrivilege = "42501";
inline constexpr std::string_view kUndefinedTable = "42P01";

// The reason that a SQLSTATE is reported as; the empty string stands for a lost connection.
v1::Reason ReasonOfSqlstate(std::string_view sqlstate);

// A status with the SQLSTATE's reason and a text of our own. Pure.
absl::Status StatusOfSqlstate(std::string_view sqlstate, std::string_view constraint, Delivery delivery);

// A status of ours about a statement, with no SQLSTATE behind it.
absl::Status StatusOfDelivery(v1::Reason reason, std::string_view message, Delivery delivery);

// kNotSent for a status that carries no delivery: it did not come from a statement.
Delivery DeliveryOf(const absl::Status& status);
// Five characters, or "" when the server gave none.
std::string SqlstateOf(const absl::Status& status);
// The violated constraint's name (for a unique index: the index's), or "".
std::string ConstraintOf(const absl::Status& status);

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_SQLSTATE_H_
