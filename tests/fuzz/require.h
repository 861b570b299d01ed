#ifndef COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_
#define COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_

#include <cstdlib>

namespace countersign::fuzz {

// Ends the process, and with it the run that found the input, unless `holds`. Unlike an assertion it is there
// in every build.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace countersign::fuzz

#endif  // COUNTERSIGN_TESTS_FUZZ_REQUIRE_H_
