#ifndef COUNTERSIGN_TESTS_SUPPORT_FAKE_PLAN_READER_H_
#define COUNTERSIGN_TESTS_SUPPORT_FAKE_PLAN_READER_H_

#include <atomic>
#include <string>

#include "core/error/error.h"
#include "server/planread/plan_reader.h"

namespace countersign::testing {

// Takes an artifact for a plan when it is the text of a PlanView after "plan:", so that a test says directly
// what a plan says. Everything else cannot be read. Thread-safe.
class FakePlanReader final : public planread::PlanReader {
 public:
  static std::string BytesOf(const v1::PlanView& view) { return "plan:" + view.SerializeAsString(); }

  absl::StatusOr<v1::PlanView> Read(std::string_view bytes, absl::Time) override {
    ++reads_;
    v1::PlanView view;
    if (!bytes.starts_with("plan:") || !view.ParseFromString(std::string(bytes.substr(5)))) {
      return error::Make(v1::PLAN_UNREADABLE, "this is not a saved plan");
    }
    return view;
  }
  // How many plans it was given so far, those that it could not read too.
  int reads() const { return reads_; }

 private:
  std::atomic<int> reads_ = 0;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_FAKE_PLAN_READER_H_
