#ifndef COUNTERSIGN_SERVER_RPC_PRINCIPAL_LIMITS_H_
#define COUNTERSIGN_SERVER_RPC_PRINCIPAL_LIMITS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/base/mutex.h"
#include "server/rpc/limits.h"

namespace countersign::rpc {

// What each principal has in hand at this moment, so that one cannot take everything: calls, watches, bytes
// of transfers, and submissions over time (a token bucket). Every refusal says when to come back. Holds an
// entry for each principal with something in hand or a bucket that is not full again. Thread-safe.
class PrincipalLimits {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit PrincipalLimits(const Limits& limits) : limits_(limits) {}

  // RATE_LIMITED over the principal's number of calls at work. Otherwise give it back with EndCall().
  absl::Status BeginCall(std::string_view principal) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndCall(std::string_view principal) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Status BeginWatch(std::string_view principal) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndWatch(std::string_view principal) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes one submission from the bucket, or answers RATE_LIMITED with the time until there is one.
  absl::Status TakeSubmission(std::string_view principal, SteadyTime now) ABSL_LOCKS_EXCLUDED(mutex_);

  enum class Transfer { kUpload, kDownload };

  // OVERLOADED when all transfers, or all uploads, together would hold too much, RATE_LIMITED when this
  // principal's would.
  absl::Status ReserveBytes(std::string_view principal, Transfer transfer, int64_t bytes)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void ReleaseBytes(std::string_view principal, Transfer transfer, int64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Usage {
    int calls = 0;
    int watches = 0;
    int64_t bytes = 0;
    // Submissions left at `counted`; negative `submissions` means a full bucket that was never touched.
    double submissions = -1;
    SteadyTime counted;
  };

  Usage& UsageLocked(std::string_view principal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return usage_[std::string(principal)];
  }
  void TidyLocked(std::string_view principal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepLocked(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  double RefilledLocked(const Usage& usage, SteadyTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  base::Mutex mutex_;
  absl::flat_hash_map<std::string, Usage> usage_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;
  int64_t total_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t upload_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_PRINCIPAL_LIMITS_H_
