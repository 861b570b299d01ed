#include "server/rpc/principal_limits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::rpc {
namespace {

// Sooner, a refused caller would only be refused again.
constexpr absl::Duration kShortestDelay = absl::Milliseconds(100);

absl::Status Limited(std::string_view what, absl::Duration delay) {
  return error::WithRetryDelay(error::Make(v1::RATE_LIMITED, what), delay);
}

}  // namespace

absl::Status PrincipalLimits::BeginCall(std::string_view principal) {
  base::MutexLock lock(&mutex_);
  Usage& usage = UsageLocked(principal);
  if (usage.calls >= limits_.max_in_flight_per_principal) {
    return Limited(absl::StrCat("you have ", usage.calls, " calls at work; wait for one to end"),
                   absl::Milliseconds(200));
  }
  ++usage.calls;
  return absl::OkStatus();
}

void PrincipalLimits::EndCall(std::string_view principal) {
  base::MutexLock lock(&mutex_);
  --UsageLocked(principal).calls;
  TidyLocked(principal);
}

absl::Status PrincipalLimits::BeginWatch(std::string_view principal) {
  base::MutexLock lock(&mutex_);
  Usage& usage = UsageLocked(principal);
  if (usage.watches >= limits_.max_watches_per_principal) {
    return Limited(absl::StrCat("you have ", usage.watches, " watches open; close one"), absl::Seconds(5));
  }
  ++usage.watches;
  return absl::OkStatus();
}

void PrincipalLimits::EndWatch(std::string_view principal) {
  base::MutexLock lock(&mutex_);
  --UsageLocked(principal).watches;
  TidyLocked(principal);
}

absl::Status PrincipalLimits::TakeSubmission(std::string_view principal, SteadyTime now) {
  base::MutexLock lock(&mutex_);
  if (usage_.size() >= sweep_at_) SweepLocked(now);
  Usage& usage = UsageLocked(principal);
  const double left = RefilledLocked(usage, now);
  usage.counted = now;
  usage.submissions = left;
  if (left < 1) {
    const absl::Duration delay = absl::Seconds((1 - left) / limits_.submissions_per_second);
    return Limited("you submit faster than this broker allows; come back later",
                   std::max(delay, kShortestDelay));
  }
  usage.submissions = left - 1;
  return absl::OkStatus();
}

absl::Status PrincipalLimits::ReserveBytes(std::string_view principal, Transfer transfer, int64_t bytes) {
  base::MutexLock lock(&mutex_);
  Usage& usage = UsageLocked(principal);
  const bool upload = transfer == Transfer::kUpload;
  if (usage.bytes + bytes > limits_.transfer_memory_bytes / 4) {
    TidyLocked(principal);
    return Limited("your uploads and downloads hold too much together; wait for one to end",
                   absl::Seconds(2));
  }
  if (total_bytes_ + bytes > limits_.transfer_memory_bytes ||
      (upload && upload_bytes_ + bytes > limits_.transfer_memory_bytes / 2)) {
    TidyLocked(principal);
    return error::WithRetryDelay(
        error::Make(v1::OVERLOADED, "all uploads and downloads hold too much together; try again"),
        absl::Seconds(2));
  }
  usage.bytes += bytes;
  total_bytes_ += bytes;
  if (upload) upload_bytes_ += bytes;
  return absl::OkStatus();
}

void PrincipalLimits::ReleaseBytes(std::string_view principal, Transfer transfer, int64_t bytes) {
  base::MutexLock lock(&mutex_);
  UsageLocked(principal).bytes -= bytes;
  total_bytes_ -= bytes;
  if (transfer == Transfer::kUpload) upload_bytes_ -= bytes;
  TidyLocked(principal);
}

void PrincipalLimits::TidyLocked(std::string_view principal) {
  const auto found = usage_.find(text::ToAbsl(principal));
  const Usage& usage = found->second;
  if (usage.calls == 0 && usage.watches == 0 && usage.bytes == 0 && usage.submissions < 0)
    usage_.erase(found);
}

// Forgets the buckets that are full again.
void PrincipalLimits::SweepLocked(SteadyTime now) {
  absl::erase_if(usage_, [&](const auto& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Usage& usage = entry.second;
    return usage.calls == 0 && usage.watches == 0 && usage.bytes == 0 &&
           RefilledLocked(usage, now) >= limits_.submission_burst;
  });
  sweep_at_ = std::max<size_t>(1024, 2 * usage_.size());
}

double PrincipalLimits::RefilledLocked(const Usage& usage, SteadyTime now) const {
  if (usage.submissions < 0) return limits_.submission_burst;
  const double seconds = std::chrono::duration<double>(now - usage.counted).count();
  return std::min(limits_.submission_burst, usage.submissions + seconds * limits_.submissions_per_second);
}

}  // namespace countersign::rpc
