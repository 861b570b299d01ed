#ifndef COUNTERSIGN_SERVER_RPC_PLAN_VIEW_REACTOR_H_
#define COUNTERSIGN_SERVER_RPC_PLAN_VIEW_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>

#include "countersign/v1/proposal_service.pb.h"
#include "server/rpc/call.h"

namespace countersign::rpc {

// One GetPlanView. A view may be tens of megabytes, so it is sent as it is stored, its bytes are accounted
// for until they are sent, and a caller who does not take them in time is cancelled.
class PlanViewReactor final : public grpc::ServerUnaryReactor {
 public:
  static grpc::ServerUnaryReactor* Start(Edge* edge, grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

  void OnDone() override;

 private:
  PlanViewReactor(Edge* edge, grpc::CallbackServerContext* context, grpc::ByteBuffer* response);

  absl::Status Begin(const grpc::ByteBuffer& request);
  void Read();
  absl::Status ReadView();
  absl::Status Reserve(int64_t bytes);
  void End(const absl::Status& status);

  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  Call call_;
  v1::GetPlanViewRequest request_;
  const std::shared_ptr<ReactorHandle<PlanViewReactor>> handle_;
  Timers::Id timer_;
  int64_t reserved_bytes_ = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_PLAN_VIEW_REACTOR_H_
