#ifndef COUNTERSIGN_SERVER_WATCH_RESUME_TOKEN_H_
#define COUNTERSIGN_SERVER_WATCH_RESUME_TOKEN_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/storage/store.h"

namespace countersign::watch {

// How far a watcher has come.
struct Position {
  // Set while what was pending at the start is still being listed: the last one sent, if any was.
  bool listing = false;
  std::optional<storage::ListCursor> listed;
  // Everything up to and including this place in (update_time, id) was sent.
  absl::Time time;
  std::string id;
};

// Opaque text for a position, signed with `key` so that it can only come from a broker, and bound to the
// `target` that was watched. Times are kept in microseconds.
std::string EncodeResumeToken(std::string_view key, std::string_view target, const Position& position);

// INVALID_FIELD for `resume_token` when it is not one of ours for this target.
absl::StatusOr<Position> DecodeResumeToken(std::string_view key, std::string_view target,
                                           std::string_view token);

}  // namespace countersign::watch

#endif  // COUNTERSIGN_SERVER_WATCH_RESUME_TOKEN_H_
