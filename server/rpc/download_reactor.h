#ifndef COUNTERSIGN_SERVER_RPC_DOWNLOAD_REACTOR_H_
#define COUNTERSIGN_SERVER_RPC_DOWNLOAD_REACTOR_H_

#include <atomic>
#include <memory>
#include <string>

#include "countersign/v1/proposal_service.pb.h"
#include "server/rpc/call.h"
#include "server/rpc/pace.h"

namespace countersign::rpc {

// One DownloadArtifact: reads the artifact on the executor, then sends it piece by piece. Everything happens
// one after the other, and each step either starts a write or finishes; a cancelled call shows as a failed
// write. A reader that stalls holds the artifact's bytes, so it is cancelled: see Pace.
class DownloadReactor final : public grpc::ServerWriteReactor<v1::DownloadArtifactResponse> {
 public:
  static grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* Start(
      Edge* edge, grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  DownloadReactor(Edge* edge, grpc::CallbackServerContext* context,
                  const v1::DownloadArtifactRequest* request);

  // Both under the handle's lock.
  void WatchPace();
  void CheckPace();

  void Read();
  absl::Status ReadArtifact();
  void SendNext();
  void End(const absl::Status& status);

  grpc::CallbackServerContext* const context_;
  Call call_;
  const v1::DownloadArtifactRequest* const request_;
  const std::shared_ptr<ReactorHandle<DownloadReactor>> handle_;
  Timers::Id timer_;
  Pace pace_;
  std::string bytes_;
  std::atomic<size_t> sent_ = 0;           // Read by the timer.
  v1::DownloadArtifactResponse response_;  // The message being written.
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_DOWNLOAD_REACTOR_H_
