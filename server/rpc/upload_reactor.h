#ifndef COUNTERSIGN_SERVER_RPC_UPLOAD_REACTOR_H_
#define COUNTERSIGN_SERVER_RPC_UPLOAD_REACTOR_H_

#include <cstdint>
#include <memory>
#include <string>

#include "countersign/v1/proposal_service.pb.h"
#include "server/rpc/call.h"
#include "server/rpc/pace.h"

namespace countersign::rpc {

// One UploadArtifact: collects the bytes while it checks every limit as they come, then stores them. Memory
// is accounted for as it grows, not as announced, so an upload that stalls holds no more than it sent, and
// not for long: see Pace.
class UploadReactor final : public grpc::ServerReadReactor<v1::UploadArtifactRequest> {
 public:
  static grpc::ServerReadReactor<v1::UploadArtifactRequest>* Start(Edge* edge,
                                                                   grpc::CallbackServerContext* context,
                                                                   v1::Artifact* response);

  void OnReadDone(bool ok) override;
  void OnDone() override;

 private:
  // Says who may finish the RPC: while kReading whoever holds the handle's lock, while kStoring only the work
  // on the executor.
  enum class State { kReading, kStoring, kFinished };

  UploadReactor(Edge* edge, grpc::CallbackServerContext* context, v1::Artifact* response);

  // All of these under the handle's lock.
  void WatchPace();
  void CheckPace();
  void Refuse(const absl::Status& status);
  absl::Status Take(const v1::UploadArtifactRequest& part);
  absl::Status TakeHeader(const v1::ArtifactHeader& header);
  absl::Status TakeChunk(const std::string& chunk);
  absl::Status CheckComplete() const;
  void BeginStoring();

  void Store();

  grpc::CallbackServerContext* const context_;
  Call call_;
  v1::Artifact* const response_;
  const std::shared_ptr<ReactorHandle<UploadReactor>> handle_;
  Timers::Id timer_;
  Pace pace_;
  State state_ = State::kReading;
  v1::UploadArtifactRequest part_;
  bool has_header_ = false;
  v1::ArtifactHeader header_;
  std::string bytes_;
  int64_t reserved_ = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_UPLOAD_REACTOR_H_
