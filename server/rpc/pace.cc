#include "server/rpc/pace.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace countersign::rpc {

absl::Status Pace::Check(SteadyTime now, int64_t bytes) {
  const auto ended = [](const std::string& why) {
    return error::WithRetryDelay(error::Make(v1::OVERLOADED, why), absl::Seconds(1));
  };
  if (now >= end_) {
    return ended(absl::StrCat("the transfer took longer than ",
                              absl::FormatDuration(limits_.max_transfer_duration), "; try again, faster"));
  }
  if (bytes - bytes_ < limits_.least_bytes_per_pace_period) {
    return ended(absl::StrCat("the transfer moved less than ", limits_.least_bytes_per_pace_period,
                              " bytes in ", absl::FormatDuration(limits_.transfer_pace_period),
                              "; try again, faster"));
  }
  bytes_ = bytes;
  next_check_ = now;
  MoveOn();
  return absl::OkStatus();
}

}  // namespace countersign::rpc
