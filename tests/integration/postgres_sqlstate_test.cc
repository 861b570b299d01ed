#include <gtest/gtest.h>

#include "server/postgres/dsn.h"
#include "server/postgres/sqlstate.h"
#include "tests/support/status_matchers.h"

namespace countersign::postgres {
namespace {

using ::countersign::testing::HasReason;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SqlstateTest, EverySqlstateHasItsReason) {
  const struct {
    const char* sqlstate;
    v1::Reason reason;
    absl::StatusCode code;
  } kCases[] = {
      {"40001", v1::CONCURRENT_UPDATE, absl::StatusCode::kAborted},
      {"40P01", v1::CONCURRENT_UPDATE, absl::StatusCode::kAborted},
      {"57014", v1::DATABASE_TIMEOUT, absl::StatusCode::kDeadlineExceeded},
      {"08000", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"08006", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"53100", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"53300", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"57P01", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"57P03", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"25006", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"", v1::DATABASE_UNAVAILABLE, absl::StatusCode::kUnavailable},
      {"23505", v1::INTERNAL, absl::StatusCode::kInternal},
      {"42501", v1::INTERNAL, absl::StatusCode::kInternal},
      {"42P01", v1::INTERNAL, absl::StatusCode::kInternal},
      {"40002", v1::INTERNAL, absl::StatusCode::kInternal},
      {"57000", v1::INTERNAL, absl::StatusCode::kInternal},
      {"XX001", v1::INTERNAL, absl::StatusCode::kInternal},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.sqlstate);
    const absl::Status status = StatusOfSqlstate(c.sqlstate, "", Delivery::kAnswered);
    EXPECT_THAT(status, HasReason(c.reason));
    EXPECT_EQ(status.code(), c.code);
    EXPECT_EQ(SqlstateOf(status), c.sqlstate);
  }
}

TEST(SqlstateTest, StatusesCarryDeliveryAndConstraint) {
  for (const Delivery delivery : {Delivery::kNotSent, Delivery::kInDoubt, Delivery::kAnswered}) {
    const absl::Status status = StatusOfSqlstate(kUniqueViolation, "requests_pkey", delivery);
    EXPECT_EQ(DeliveryOf(status), delivery);
    EXPECT_EQ(ConstraintOf(status), "requests_pkey");
  }
  EXPECT_EQ(DeliveryOf(absl::NotFoundError("nothing to do with a statement")), Delivery::kNotSent);
}

TEST(DsnTest, PasswordsAreNotShown) {
  const std::string shown =
      Redacted("postgresql://app:hunter2@db.example.org:5433/broker?sslmode=verify-full");
  EXPECT_THAT(shown, Not(HasSubstr("hunter2")));
  EXPECT_THAT(shown, HasSubstr("password=***"));
  EXPECT_THAT(shown, HasSubstr("host=db.example.org"));
  EXPECT_THAT(Redacted("host=h password='hunter 2' sslpassword=hunter3"), Not(HasSubstr("hunter")));
}

TEST(DsnTest, WhatCannotBeReadIsNotShownAtAll) {
  EXPECT_THAT(Redacted("password hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Redacted("postgresql://app:hunter2@[broken"), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace countersign::postgres
