#ifndef COUNTERSIGN_SERVER_RPC_WAIT_REACTOR_H_
#define COUNTERSIGN_SERVER_RPC_WAIT_REACTOR_H_

#include "absl/status/statusor.h"
#include "countersign/v1/proposal_service.pb.h"
#include "server/rpc/call.h"

namespace countersign::rpc {

// One WaitProposal: a waiter of the hub, whose one callback is the one place that finishes the RPC. The hub
// calls it exactly once, so the reactor lives until then; cancelling only makes the hub call it sooner.
class WaitReactor final : public grpc::ServerUnaryReactor {
 public:
  // For the method handler only: OnCancel() and OnDone() come after it has returned.
  static grpc::ServerUnaryReactor* Start(Edge* edge, grpc::CallbackServerContext* context,
                                         const v1::WaitProposalRequest* request, v1::Proposal* response);

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  WaitReactor(Edge* edge, grpc::CallbackServerContext* context, v1::Proposal* response);

  absl::Status Register(const v1::WaitProposalRequest& request);
  void Answer(absl::StatusOr<v1::Proposal> result);

  Call call_;
  v1::Proposal* const response_;
  watch::Hub::WaiterId waiter_ = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_WAIT_REACTOR_H_
