#ifndef COUNTERSIGN_SERVER_BROKER_DETERMINISTIC_BYTES_H_
#define COUNTERSIGN_SERVER_BROKER_DETERMINISTIC_BYTES_H_

#include <string>

#include "google/protobuf/message.h"

namespace countersign::broker {

// The serialized message, the same for equal messages: maps have no order on the wire unless asked for one.
std::string DeterministicBytes(const google::protobuf::Message& message);

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_DETERMINISTIC_BYTES_H_
