// absl::Time and absl::Duration against protobuf's well-known types. Microseconds, which is what PostgreSQL
// keeps; finer parts are cut off.
#ifndef COUNTERSIGN_SERVER_BASE_TIMESTAMPS_H_
#define COUNTERSIGN_SERVER_BASE_TIMESTAMPS_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <cstdint>

#include "absl/time/time.h"

namespace countersign::base {

// Whether it keeps the rules that protobuf's own comments state and its JSON asks for: in range, and both
// parts with one sign. What a caller sent may break them; check it before it is stored or computed with.
inline bool IsValid(const google::protobuf::Duration& duration) {
  constexpr int64_t kMaxSeconds = google::protobuf::util::TimeUtil::kDurationMaxSeconds;
  constexpr int32_t kMaxNanos = 999'999'999;
  const bool opposed =
      (duration.seconds() < 0 && duration.nanos() > 0) || (duration.seconds() > 0 && duration.nanos() < 0);
  return duration.seconds() >= -kMaxSeconds && duration.seconds() <= kMaxSeconds &&
         duration.nanos() >= -kMaxNanos && duration.nanos() <= kMaxNanos && !opposed;
}

inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(time));
}

inline absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixMicros(google::protobuf::util::TimeUtil::TimestampToMicroseconds(timestamp));
}

inline google::protobuf::Duration ToProtoDuration(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::MicrosecondsToDuration(absl::ToInt64Microseconds(duration));
}

inline absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_TIMESTAMPS_H_
