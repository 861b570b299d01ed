#ifndef COUNTERSIGN_CLIENT_SRC_CHANNEL_H_
#define COUNTERSIGN_CLIENT_SRC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>

#include "absl/status/statusor.h"
#include "countersign/connect.h"

namespace countersign {

// How every connection of ours behaves, however it is secured.
grpc::ChannelArguments ChannelArgumentsFor(const ConnectOptions& options);

// A channel with mutual TLS that reads its certificates again when their files change. Errors as Connect().
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectOptions& options);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_CHANNEL_H_
