#ifndef COUNTERSIGN_SERVER_BROKER_CALLER_H_
#define COUNTERSIGN_SERVER_BROKER_CALLER_H_

#include <string>

#include "core/policy/principal.h"

namespace countersign::broker {

// Who is at the other end of the connection, as its certificate says. Never taken from a request.
struct Caller {
  std::string principal;
  policy::PrincipalKind kind = policy::PrincipalKind::kAgent;
  // x5t#S256 of the certificate (RFC 8705).
  std::string certificate_thumbprint;
};

}  // namespace countersign::broker

#endif  // COUNTERSIGN_SERVER_BROKER_CALLER_H_
