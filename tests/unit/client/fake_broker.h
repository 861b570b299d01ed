#ifndef COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
#define COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_BROKER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/error/error.h"
#include "countersign/v1/decision_service.grpc.pb.h"
#include "countersign/v1/proposal_service.grpc.pb.h"
#include "countersign/v1/target_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace countersign::testing {

// An error as the broker sends it.
inline grpc::Status WireError(const absl::Status& status) {
  const std::string message(status.message());
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_domain("countersign");
  info.set_reason(v1::Reason_Name(error::ReasonOf(status)));
  details.add_details()->PackFrom(info);
  if (const auto field = error::FieldOf(status); field.has_value()) {
    google::rpc::BadRequest bad_request;
    bad_request.add_field_violations()->set_field(*field);
    bad_request.mutable_field_violations(0)->set_description(message);
    details.add_details()->PackFrom(bad_request);
  }
  if (const auto delay = error::RetryDelayOf(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(*delay));
    details.add_details()->PackFrom(retry);
  }
  return {static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString()};
}

// A service whose answers each test scripts.
class FakeProposals final : public v1::ProposalService::Service {
 public:
  std::function<grpc::Status(const v1::GetProposalRequest&, v1::Proposal*)> get;
  std::function<grpc::Status(const v1::CreateProposalRequest&, v1::Proposal*)> create;
  std::function<grpc::Status(const v1::GetPlanViewRequest&, v1::PlanView*)> plan_view;
  std::function<grpc::Status(const v1::WaitProposalRequest&, v1::Proposal*)> wait;
  std::function<grpc::Status(const v1::ListProposalsRequest&, v1::ListProposalsResponse*)> list;
  std::function<grpc::Status(const v1::WatchProposalsRequest&,
                             grpc::ServerWriter<v1::WatchProposalsResponse>*)>
      watch;
  std::function<grpc::Status(grpc::ServerWriter<v1::DownloadArtifactResponse>*)> download;
  std::function<grpc::Status(const std::string&, const v1::ArtifactHeader&, v1::Artifact*)> upload;

  grpc::Status GetProposal(grpc::ServerContext*, const v1::GetProposalRequest* request,
                           v1::Proposal* answer) override {
    return get(*request, answer);
  }
  grpc::Status CreateProposal(grpc::ServerContext*, const v1::CreateProposalRequest* request,
                              v1::Proposal* answer) override {
    return create(*request, answer);
  }
  grpc::Status GetPlanView(grpc::ServerContext*, const v1::GetPlanViewRequest* request,
                           v1::PlanView* answer) override {
    return plan_view(*request, answer);
  }
  grpc::Status WaitProposal(grpc::ServerContext*, const v1::WaitProposalRequest* request,
                            v1::Proposal* answer) override {
    return wait(*request, answer);
  }
  grpc::Status ListProposals(grpc::ServerContext*, const v1::ListProposalsRequest* request,
                             v1::ListProposalsResponse* answer) override {
    return list(*request, answer);
  }
  grpc::Status WatchProposals(grpc::ServerContext*, const v1::WatchProposalsRequest* request,
                              grpc::ServerWriter<v1::WatchProposalsResponse>* writer) override {
    return watch(*request, writer);
  }
  grpc::Status DownloadArtifact(grpc::ServerContext*, const v1::DownloadArtifactRequest*,
                                grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) override {
    return download(writer);
  }
  grpc::Status UploadArtifact(grpc::ServerContext*, grpc::ServerReader<v1::UploadArtifactRequest>* reader,
                              v1::Artifact* answer) override {
    v1::UploadArtifactRequest message;
    reader->Read(&message);
    const v1::ArtifactHeader header = message.header();
    std::string bytes;
    while (reader->Read(&message)) bytes += message.chunk();
    return upload(bytes, header, answer);
  }
};

class FakeDecisions final : public v1::DecisionService::Service {
 public:
  std::function<grpc::Status(const v1::ApproveProposalRequest&, v1::Proposal*)> approve;

  grpc::Status ApproveProposal(grpc::ServerContext*, const v1::ApproveProposalRequest* request,
                               v1::Proposal* answer) override {
    return approve(*request, answer);
  }
};

class FakeTargets final : public v1::TargetService::Service {
 public:
  std::function<grpc::Status(const v1::GetTargetMemoryRequest&, v1::TargetMemory*)> get;
  std::function<grpc::Status(const v1::AdoptStateRequest&, v1::TargetMemory*)> adopt;

  grpc::Status GetTargetMemory(grpc::ServerContext*, const v1::GetTargetMemoryRequest* request,
                               v1::TargetMemory* answer) override {
    return get(*request, answer);
  }
  grpc::Status AdoptState(grpc::ServerContext*, const v1::AdoptStateRequest* request,
                          v1::TargetMemory* answer) override {
    return adopt(*request, answer);
  }
};

// All of them, served on a port of this machine.
class FakeBroker {
 public:
  explicit FakeBroker(
      const std::shared_ptr<grpc::ServerCredentials>& credentials = grpc::InsecureServerCredentials(),
      int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), credentials, &port_);
    builder.RegisterService(&proposals);
    builder.RegisterService(&decisions);
    builder.RegisterService(&targets);
    server_ = builder.BuildAndStart();
  }
  ~FakeBroker() { server_->Shutdown(std::chrono::system_clock::time_point::min()); }

  std::string address() const { return "localhost:" + std::to_string(port_); }
  int port() const { return port_; }

  FakeProposals proposals;
  FakeDecisions decisions;
  FakeTargets targets;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_CLIENT_FAKE_BROKER_H_
