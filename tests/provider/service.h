#ifndef COUNTERSIGN_TESTS_PROVIDER_SERVICE_H_
#define COUNTERSIGN_TESTS_PROVIDER_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"
#include "tests/provider/cloud.h"
#include "tests/provider/tfplugin5.grpc.pb.h"

namespace countersign::provider {

// Answers Terraform. What goes wrong is told in diagnostics, as Terraform expects, never as a gRPC error.
// Thread-safe.
class Service final : public tfplugin5::Provider::Service {
 public:
  // `defaults`: what holds where the provider's configuration says nothing.
  explicit Service(CloudSettings defaults) : defaults_(std::move(defaults)) {}

  grpc::Status GetSchema(grpc::ServerContext*, const tfplugin5::GetProviderSchema::Request*,
                         tfplugin5::GetProviderSchema::Response*) override;
  grpc::Status PrepareProviderConfig(grpc::ServerContext*, const tfplugin5::PrepareProviderConfig::Request*,
                                     tfplugin5::PrepareProviderConfig::Response*) override;
  grpc::Status ValidateResourceTypeConfig(grpc::ServerContext*,
                                          const tfplugin5::ValidateResourceTypeConfig::Request*,
                                          tfplugin5::ValidateResourceTypeConfig::Response*) override;
  grpc::Status ValidateDataSourceConfig(grpc::ServerContext*,
                                        const tfplugin5::ValidateDataSourceConfig::Request*,
                                        tfplugin5::ValidateDataSourceConfig::Response*) override;
  grpc::Status UpgradeResourceState(grpc::ServerContext*, const tfplugin5::UpgradeResourceState::Request*,
                                    tfplugin5::UpgradeResourceState::Response*) override;
  grpc::Status Configure(grpc::ServerContext*, const tfplugin5::Configure::Request*,
                         tfplugin5::Configure::Response*) override;
  grpc::Status ReadResource(grpc::ServerContext*, const tfplugin5::ReadResource::Request*,
                            tfplugin5::ReadResource::Response*) override;
  grpc::Status PlanResourceChange(grpc::ServerContext*, const tfplugin5::PlanResourceChange::Request*,
                                  tfplugin5::PlanResourceChange::Response*) override;
  grpc::Status ApplyResourceChange(grpc::ServerContext*, const tfplugin5::ApplyResourceChange::Request*,
                                   tfplugin5::ApplyResourceChange::Response*) override;
  grpc::Status ImportResourceState(grpc::ServerContext*, const tfplugin5::ImportResourceState::Request*,
                                   tfplugin5::ImportResourceState::Response*) override;
  grpc::Status ReadDataSource(grpc::ServerContext*, const tfplugin5::ReadDataSource::Request*,
                              tfplugin5::ReadDataSource::Response*) override;
  grpc::Status Stop(grpc::ServerContext*, const tfplugin5::Stop::Request*,
                    tfplugin5::Stop::Response*) override;

 private:
  // FAILED_PRECONDITION before Configure().
  absl::StatusOr<std::shared_ptr<const Cloud>> ConfiguredCloud() ABSL_LOCKS_EXCLUDED(mutex_);

  const CloudSettings defaults_;
  base::Mutex mutex_;
  std::shared_ptr<const Cloud> cloud_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_SERVICE_H_
