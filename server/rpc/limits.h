#ifndef COUNTERSIGN_SERVER_RPC_LIMITS_H_
#define COUNTERSIGN_SERVER_RPC_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace countersign::rpc {

// Bounds of what callers can make the edge do. Operators set those that server/app/config.proto names; the
// defaults suit a small team.
struct Limits {
  // A call without a deadline, or with a later one, gets this.
  absl::Duration max_call_duration = absl::Seconds(30);
  // Uploads and downloads.
  absl::Duration max_transfer_duration = absl::Minutes(5);
  // Serialized, for all requests but chunks.
  size_t max_request_bytes = (1 << 20) + (256 << 10);
  // ReportExecution lists the resources of a state.
  size_t max_report_bytes = (4 << 20) - (64 << 10);
  // A transfer that moves fewer bytes in such a period is ended.
  absl::Duration transfer_pace_period = absl::Seconds(10);
  int64_t least_bytes_per_pace_period = 256 << 10;
  // Lower than the contract's 64 MiB where wanted, never higher.
  int64_t max_artifact_bytes = 64 << 20;
  // What all uploads and downloads hold together. Uploads get at most half of it, so that runners can always
  // fetch what was approved; one principal gets at most a quarter.
  int64_t transfer_memory_bytes = 256 << 20;
  // One principal's calls that are being worked on; waits and watches do not count.
  int max_in_flight_per_principal = 64;
  int max_watches_per_principal = 16;
  // One principal's CreateProposal and UploadArtifact calls.
  double submissions_per_second = 20;
  double submission_burst = 100;
  int max_streams_per_connection = 1000;
  size_t memory_quota_bytes = size_t{1} << 30;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_LIMITS_H_
