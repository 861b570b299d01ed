#ifndef COUNTERSIGN_SERVER_BROKER_RECORDED_ANSWER_H_
#define COUNTERSIGN_SERVER_BROKER_RECORDED_ANSWER_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/error/error.h"

namespace countersign::broker {

// The answer to a call, from its serialized form; DATA_CORRUPTED when that is none.
template <typename Response>
absl::StatusOr<Response> ReadAnswer(const absl::StatusOr<std::string>& recorded) {
  if (!recorded.ok()) return recorded.status();
  Response response;
  if (response.ParseFromString(*recorded)) return response;
  return error::Make(v1::DATA_CORRUPTED, "a recorded answer cannot be read");
}

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_RECORDED_ANSWER_H_
