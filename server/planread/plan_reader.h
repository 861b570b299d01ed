// Reading saved plans, which anybody can have made, outside of the broker's own process.
#ifndef COUNTERSIGN_SERVER_PLANREAD_PLAN_READER_H_
#define COUNTERSIGN_SERVER_PLANREAD_PLAN_READER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "countersign/v1/plan.pb.h"
#include "server/base/clock.h"

namespace countersign::planread {

// What a saved plan says. Thread-safe.
class PlanReader {
 public:
  virtual ~PlanReader() = default;
  // Blocks until it is read. Errors: PLAN_UNREADABLE; INTERNAL when this machine cannot read plans at all.
  virtual absl::StatusOr<v1::PlanView> Read(std::string_view bytes, absl::Time deadline) = 0;
};

// Whether `names` can be given to a reader: each is {type}.{attribute}, and there are not too many.
// INVALID_FIELD under the name `setting` otherwise.
absl::Status CheckSensitiveAttributes(const std::vector<std::string>& names, std::string_view setting);

// Reads each plan in a process of its own that has no network and no files, a bounded memory and a bounded
// time, and that dies with this one. When it dies, that plan is refused and nothing else happens.
// Borrows the clock. As many plans are read at one time as there are callers.
class ProcessPlanReader final : public PlanReader {
 public:
  struct Options {
    // The program countersign-planread; empty for the one beside this program.
    std::string program;
    // The salt of ViewOptions.
    std::string salt;
    absl::Duration time_limit = absl::Seconds(25);
    // Hidden whatever plans say, as CheckSensitiveAttributes() accepts them.
    std::vector<std::string> sensitive_attributes = {};
  };
  ProcessPlanReader(const Options& options, const base::Clock* clock);

  // OK when the program is there and works: it reads nothing and refuses it.
  absl::Status Check();

  absl::StatusOr<v1::PlanView> Read(std::string_view bytes, absl::Time deadline) override;

 private:
  const Options options_;
  const std::string head_;  // What each process is told before the plan.
  const base::Clock* const clock_;
};

}  // namespace countersign::planread

#endif  // COUNTERSIGN_SERVER_PLANREAD_PLAN_READER_H_
