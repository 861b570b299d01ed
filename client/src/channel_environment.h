#ifndef COUNTERSIGN_CLIENT_SRC_CHANNEL_ENVIRONMENT_H_
#define COUNTERSIGN_CLIENT_SRC_CHANNEL_ENVIRONMENT_H_

#include <grpcpp/channel.h>

#include <memory>
#include <stop_token>
#include <string>

#include "client/src/environment.h"

namespace countersign {

// Another environment whose pauses work on a channel's connections meanwhile. gRPC's blocking interface
// connects only while some thread is inside it; callers that all sleep between their attempts would never see
// a broker that has come back. Thread-safe. Borrows the environment.
class ChannelEnvironment final : public Environment {
 public:
  ChannelEnvironment(std::shared_ptr<grpc::Channel> channel, Environment& environment)
      : channel_(std::move(channel)), environment_(environment) {}

  absl::Time Now() const override { return environment_.Now(); }
  absl::Duration Uptime() const override { return environment_.Uptime(); }
  bool SleepFor(absl::Duration duration, const std::stop_token& stop) override;
  double Fraction() override { return environment_.Fraction(); }
  std::string NewRequestId() override { return environment_.NewRequestId(); }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  Environment& environment_;
};

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_CHANNEL_ENVIRONMENT_H_
