#ifndef COUNTERSIGN_TESTS_BENCH_STEPS_H_
#define COUNTERSIGN_TESTS_BENCH_STEPS_H_

#include <grpcpp/client_context.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "tests/bench/broker_under_load.h"
#include "tests/bench/report.h"

namespace countersign::bench {

using Instant = std::chrono::steady_clock::time_point;
inline Instant Now() { return std::chrono::steady_clock::now(); }
inline absl::Duration Since(Instant start) { return absl::FromChrono(Now() - start); }

// A call's context with a deadline that a healthy broker never needs.
class Context : public grpc::ClientContext {
 public:
  Context() { set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2)); }
};

// Ends the process unless the call succeeded.
void Check(const grpc::Status& status, const char* what);

// A request_id that no other call of this process has.
std::string NewRequestId();

// One step of the life of a proposal each; every write has a request_id, as the client library's have.
v1::Proposal Submit(const Caller& agent, int target);
// Of a COMMAND that reads the uploaded artifact, or of the plan that the artifact is.
v1::Proposal SubmitWithArtifact(const Caller& agent, v1::Kind kind, int target, const std::string& digest);
grpc::Status TryToSubmitWithArtifact(const Caller& agent, v1::Kind kind, int target,
                                     const std::string& digest, v1::Proposal* proposal);
// The digest of what was uploaded.
std::string Upload(const Caller& agent, std::string_view bytes);
v1::Proposal Approve(const Caller& human, const v1::Proposal& proposal);
v1::ClaimProposalResponse Claim(const Caller& workload, const std::string& name);
v1::RedeemTokenResponse Redeem(const Caller& workload, const v1::ClaimProposalResponse& claim);
v1::Proposal Succeed(const Caller& workload, const v1::Proposal& executing);

// How long each step of many lifecycles took. Not thread-safe.
struct StepTimes {
  Samples submit;
  Samples approve;
  Samples claim;
  Samples redeem;
  Samples report;
  void Add(const StepTimes& other);
};

// All five on one target; the name of the proposal.
std::string RunLifecycle(const Caller& agent, const Caller& human, const Caller& workload, int target,
                         StepTimes* times);

// A call to WaitProposal on the way. Thread-safe. Must have been answered before it is destroyed.
class Waiter {
 public:
  Waiter(const Caller& workload, const std::string& name);
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool AnsweredWithin(absl::Duration timeout);
  // Ends the process if the answer says that the proposal is not approved, or does not come in two minutes.
  Instant AwaitApproval();

 private:
  void Start();

  const Caller& workload_;
  v1::WaitProposalRequest request_;
  v1::Proposal response_;
  std::unique_ptr<Context> context_;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool done_ = false;
  Instant answer_time_;
};

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_STEPS_H_
