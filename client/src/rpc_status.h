#ifndef COUNTERSIGN_CLIENT_SRC_RPC_STATUS_H_
#define COUNTERSIGN_CLIENT_SRC_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace countersign {

// The status as the broker made it, with reason, field and retry delay taken from the google.rpc.Status in
// the trailers. Without a reason where the broker gave none: then the connection failed, or the broker is
// newer and its reason not known here.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace countersign

#endif  // COUNTERSIGN_CLIENT_SRC_RPC_STATUS_H_
