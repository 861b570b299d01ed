#ifndef COUNTERSIGN_SERVER_RPC_WATCH_REACTOR_H_
#define COUNTERSIGN_SERVER_RPC_WATCH_REACTOR_H_

#include <memory>
#include <optional>

#include "countersign/v1/proposal_service.pb.h"
#include "server/rpc/call.h"

namespace countersign::rpc {

// One WatchProposals: a thin sink of a watch session, which does the thinking under its own lock.
class WatchReactor final : public grpc::ServerWriteReactor<v1::WatchProposalsResponse>, private watch::Sink {
 public:
  // For the method handler only: reactions come after it has returned.
  static grpc::ServerWriteReactor<v1::WatchProposalsResponse>* Start(
      Edge* edge, grpc::CallbackServerContext* context, const v1::WatchProposalsRequest* request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WatchReactor(Edge* edge, grpc::CallbackServerContext* context);

  absl::Status Open(const v1::WatchProposalsRequest& request);
  void Write(const watch::Event& event) override;
  void Finish(absl::Status status) override;

  grpc::CallbackServerContext* const context_;
  Call call_;
  std::shared_ptr<watch::Session> session_;  // Null when the stream was refused.
  const std::shared_ptr<ReactorHandle<WatchReactor>> handle_;
  v1::WatchProposalsResponse response_;  // The message being written.
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_WATCH_REACTOR_H_
