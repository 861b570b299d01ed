// What the edge tells of every call that ended. Free of gRPC, for those who count and those who write logs.
#ifndef COUNTERSIGN_SERVER_RPC_REQUEST_OBSERVER_H_
#define COUNTERSIGN_SERVER_RPC_REQUEST_OBSERVER_H_

#include <string_view>

#include "absl/time/time.h"
#include "countersign/v1/reason.pb.h"

namespace countersign::rpc {

// Counts calls. Implementations are thread-safe and do not block.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // `method` is the RPC's name, for example "ApproveProposal". `reason` is REASON_UNSPECIFIED when the call
  // went well, or its caller went away.
  virtual void OnRequest(std::string_view method, v1::Reason reason, absl::Duration duration) = 0;
};

// One line of the request log. Holds no secret and nothing of a body. Valid during the call only.
struct RequestLine {
  std::string_view method;
  // Empty when the certificate names nobody.
  std::string_view principal;
  std::string_view request_id;
  // proposals/{proposal}, where the call is about one.
  std::string_view proposal;
  // "OK", "CANCELLED" (the caller went away), or the name of a countersign.v1.Reason.
  std::string_view reason;
  // What the caller was not told, of INTERNAL errors; empty otherwise.
  std::string_view detail;
  absl::Duration duration;
};

// Writes the request log. Implementations are thread-safe and do not block.
class RequestLog {
 public:
  virtual ~RequestLog() = default;
  virtual void Write(const RequestLine& line) = 0;
};

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_SERVER_RPC_REQUEST_OBSERVER_H_
