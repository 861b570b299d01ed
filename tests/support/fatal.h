#ifndef COUNTERSIGN_TESTS_SUPPORT_FATAL_H_
#define COUNTERSIGN_TESTS_SUPPORT_FATAL_H_

#include <string_view>

namespace countersign::testing {

// Ends the test process with a message: what a test stands on is missing, so nothing it says would count.
[[noreturn]] void Fatal(std::string_view message);

// The same with the text of errno.
[[noreturn]] void FatalErrno(std::string_view message);

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_FATAL_H_
