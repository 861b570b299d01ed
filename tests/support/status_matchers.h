// Matchers for absl::Status and absl::StatusOr, and for the reason that a status carries.
//
//   ASSERT_OK(store.Insert(proposal));
//   EXPECT_THAT(Find("r1"), IsOkAndHolds(Field(&Proposal::state, State::kPending)));
//   EXPECT_THAT(Find("r2"), HasReason(v1::NOT_FOUND));
#ifndef COUNTERSIGN_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define COUNTERSIGN_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/error/error.h"

namespace countersign::testing {

inline const absl::Status& StatusIn(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusIn(const absl::StatusOr<T>& result) {
  return result.status();
}

// "PERMISSION_DENIED, NOT_PERMITTED: the text".
inline std::string Describe(const absl::Status& status) {
  if (status.ok()) return "OK";
  std::string text = absl::StatusCodeToString(status.code());
  if (error::ReasonOf(status) != v1::REASON_UNSPECIFIED)
    text += ", " + v1::Reason_Name(error::ReasonOf(status));
  return text + ": " + std::string(status.message());
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << "which is " << Describe(StatusIn(arg));
  return StatusIn(arg).ok();
}

MATCHER_P(StatusIs, code,
          std::string(negation ? "does not have" : "has") + " the code " + absl::StatusCodeToString(code)) {
  *result_listener << "which is " << Describe(StatusIn(arg));
  return StatusIn(arg).code() == code;
}

MATCHER_P(HasReason, reason,
          std::string(negation ? "does not have" : "has") + " the reason " + v1::Reason_Name(reason)) {
  *result_listener << "which is " << Describe(StatusIn(arg));
  return error::ReasonOf(StatusIn(arg)) == reason;
}

// For INVALID_FIELD: the field that it names.
MATCHER_P(NamesField, field,
          std::string(negation ? "does not name" : "names") + " the field " + std::string(field)) {
  *result_listener << "which is " << Describe(StatusIn(arg));
  return error::FieldOf(StatusIn(arg)) == std::string(field);
}

// What IsOkAndHolds() returns: becomes a matcher for the StatusOr that it is used on.
template <typename Inner>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <typename Result>
  operator ::testing::Matcher<Result>() const {  // NOLINT(google-explicit-constructor): how matchers convert
    return ::testing::Matcher<Result>(
        new Typed<std::remove_cv_t<std::remove_reference_t<Result>>, Result>(inner_));
  }

 private:
  template <typename Plain, typename Result>
  class Typed final : public ::testing::MatcherInterface<Result> {
   public:
    explicit Typed(const Inner& inner)
        : inner_(::testing::SafeMatcherCast<const typename Plain::value_type&>(inner)) {}

    void DescribeTo(std::ostream* out) const override {
      *out << "is OK and holds a value that ";
      inner_.DescribeTo(out);
    }
    void DescribeNegationTo(std::ostream* out) const override {
      *out << "is not OK or holds a value that ";
      inner_.DescribeNegationTo(out);
    }
    bool MatchAndExplain(Result result, ::testing::MatchResultListener* listener) const override {
      if (!result.ok()) {
        *listener << "which is " << Describe(result.status());
        return false;
      }
      *listener << "which holds " << ::testing::PrintToString(*result) << " ";
      return inner_.MatchAndExplain(*result, listener);
    }

   private:
    const ::testing::Matcher<const typename Plain::value_type&> inner_;
  };

  const Inner inner_;
};

template <typename Inner>
IsOkAndHoldsMatcher<std::decay_t<Inner>> IsOkAndHolds(Inner&& inner) {
  return IsOkAndHoldsMatcher<std::decay_t<Inner>>(std::forward<Inner>(inner));
}

}  // namespace countersign::testing

#define EXPECT_OK(expression) EXPECT_THAT((expression), ::countersign::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::countersign::testing::IsOk())

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses.
// ASSERT_OK_AND_ASSIGN(const std::string digest, ActionDigest(action)); a comma in the first argument needs
// parentheses or `auto`.
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  COUNTERSIGN_ASSERT_OK_AND_ASSIGN_(COUNTERSIGN_JOIN_(result_at_line_, __LINE__), declaration, expression)
#define COUNTERSIGN_JOIN_(a, b) COUNTERSIGN_JOIN_AGAIN_(a, b)
#define COUNTERSIGN_JOIN_AGAIN_(a, b) a##b
#define COUNTERSIGN_ASSERT_OK_AND_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                                              \
  ASSERT_OK(result);                                                       \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // COUNTERSIGN_TESTS_SUPPORT_STATUS_MATCHERS_H_
