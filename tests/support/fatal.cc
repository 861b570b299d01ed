#include "tests/support/fatal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace countersign::testing {

void Fatal(std::string_view message) {
  std::fprintf(stderr, "FATAL in the test's support: %s\n", std::string(message).c_str());
  std::fflush(stderr);
  std::_Exit(99);
}

void FatalErrno(std::string_view message) {
  const int error = errno;
  Fatal(std::string(message) + ": " + std::strerror(error));
}

}  // namespace countersign::testing
