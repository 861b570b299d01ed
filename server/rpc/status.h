#ifndef COUNTERSIGN_SERVER_RPC_STATUS_H_
#define COUNTERSIGN_SERVER_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string_view>

#include "absl/status/status.h"
#include "countersign/v1/reason.pb.h"

namespace countersign::rpc {

// The reason that the caller is told: INTERNAL for what has none, because no text of ours is meant for it.
// REASON_UNSPECIFIED for OK and for CANCELLED.
v1::Reason PublicReason(const absl::Status& status);

// What goes over the wire: the reason's code and, in `grpc-status-details-bin`, exactly one
// google.rpc.ErrorInfo, with RetryInfo and BadRequest where they apply. The text of an INTERNAL error is
// replaced, naming `request_id`; other texts are shortened to what fits into the trailers of every client.
// CANCELLED has no details: nobody is left to read them.
grpc::Status ToGrpc(const absl::Status& status, std::string_view request_id);

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_STATUS_H_
