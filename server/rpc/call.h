#ifndef COUNTERSIGN_SERVER_RPC_CALL_H_
#define COUNTERSIGN_SERVER_RPC_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/broker/broker.h"
#include "server/rpc/limits.h"
#include "server/rpc/peer.h"
#include "server/rpc/principal_limits.h"
#include "server/rpc/request_observer.h"
#include "server/rpc/timers.h"
#include "server/watch/hub.h"
#include "server/watch/watchers.h"

namespace countersign::rpc {

// What all calls of a server share. Pointers are borrowed and outlive it.
struct Edge {
  explicit Edge(const Limits& given) : limits(given), principal_limits(given) {}

  broker::Broker* broker = nullptr;
  watch::Hub* hub = nullptr;
  watch::Watchers* watchers = nullptr;
  base::Executor* executor = nullptr;
  base::Executor* plan_executor = nullptr;  // For what waits for the plan reader.
  const base::Clock* clock = nullptr;
  base::RandomSource* random = nullptr;
  RequestLog* log = nullptr;            // May be null.
  RequestObserver* observer = nullptr;  // May be null.
  const Limits limits;
  PeerCache peers{1024};
  PrincipalLimits principal_limits;
  Timers timers;
};

// A way to a reactor for those who may come after its end, such as timers. The reactor sets `reactor` to null
// in OnDone(), under the lock.
template <typename Reactor>
struct ReactorHandle {
  base::Mutex mutex;
  Reactor* reactor ABSL_GUARDED_BY(mutex) = nullptr;
};

// What is wrong when the executor takes no more work.
absl::Status AtConcurrencyLimit();

// One RPC from its first look to its last word: who calls, whether they may, until when, and the line in the
// log. Not thread-safe: it passes from the gRPC thread to whoever answers.
class Call {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Which of the principal's limits the call counts against.
  enum class Load { kWork, kWatch, kNone };

  // Reads the request id, or makes one, and puts it into the initial metadata.
  Call(Edge* edge, grpc::CallbackServerContext* context, broker::Method method);
  // Gives back what Admit() and Reserve() took.
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Identifies the caller and asks the table; then the limits. Once, before anything else is done for the
  // call.
  absl::Status Admit(Load load);
  // INVALID_FIELD for a request that is larger than any honest one.
  absl::Status CheckSize(size_t request_bytes) const;
  // The same, and for one that holds fields which this broker does not know, at any depth.
  absl::Status CheckRequest(const google::protobuf::Message& request) const;
  // Accounts for bytes that the call holds, until it ends.
  absl::Status Reserve(int64_t bytes);
  // The table again, for calls that last: the directory may have changed.
  absl::Status StillPermitted() const;

  // The caller's deadline, or `limit` from the call's start when that is earlier.
  absl::Time DeadlineWithin(absl::Duration limit) const;
  absl::Time deadline() const { return DeadlineWithin(edge_->limits.max_call_duration); }
  SteadyTime start() const { return start_; }

  Edge* edge() const { return edge_; }
  // Valid after Admit().
  const broker::Caller& caller() const { return peer_->caller; }
  std::shared_ptr<const Peer> peer() const { return peer_; }
  broker::Method method() const { return method_; }

  // For the log. Anything that is not proposals/{proposal} is left out.
  void NoteProposal(std::string_view name);

  // The last word: writes the log, tells the observer, gives back what was taken. Call once, right before the
  // reactor's Finish().
  grpc::Status Conclude(const absl::Status& status);

 private:
  absl::Status Identify();
  void Release();

  Edge* const edge_;
  grpc::CallbackServerContext* const context_;
  const broker::Method method_;
  const SteadyTime start_;
  const absl::Time start_time_;
  std::string request_id_;
  std::string proposal_;
  std::shared_ptr<const Peer> peer_;
  Load taken_ = Load::kNone;
  int64_t reserved_bytes_ = 0;
};

namespace internal {

template <typename Request>
void NoteProposalOf(const Request& message, Call* call) {
  if constexpr (requires { message.proposal().name(); }) {
    call->NoteProposal(message.proposal().name());
  } else if constexpr (requires { message.name(); }) {
    call->NoteProposal(message.name());
  }
}

}  // namespace internal

// Answers a unary RPC: refuses on gRPC's thread what can be refused there, and runs
// `handler(caller, request, deadline)`, which gives an absl::StatusOr<Response>, on `executor`.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* Unary(Edge* edge, grpc::CallbackServerContext* context, broker::Method method,
                                const Request* request, Response* response, Handler handler,
                                base::Executor* executor) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto call = std::make_shared<Call>(edge, context, method);
  internal::NoteProposalOf(*request, call.get());
  absl::Status admitted = call->CheckRequest(*request);
  if (admitted.ok()) admitted = call->Admit(Call::Load::kWork);
  if (!admitted.ok()) {
    reactor->Finish(call->Conclude(admitted));
    return reactor;
  }
  const bool queued = executor->TrySubmit([=]() mutable {
    if (context->IsCancelled()) {
      reactor->Finish(call->Conclude(absl::CancelledError("the caller went away")));
      return;
    }
    absl::StatusOr<Response> result = handler(call->caller(), *request, call->deadline());
    if (result.ok()) {
      *response = std::move(*result);
      internal::NoteProposalOf(*response, call.get());
    }
    const grpc::Status status = call->Conclude(result.status());
    reactor->Finish(status);  // The last touch: request, response and context may be gone after it.
  });
  if (!queued) reactor->Finish(call->Conclude(AtConcurrencyLimit()));
  return reactor;
}

template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* Unary(Edge* edge, grpc::CallbackServerContext* context, broker::Method method,
                                const Request* request, Response* response, Handler handler) {
  return Unary(edge, context, method, request, response, std::move(handler), edge->executor);
}

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_CALL_H_
