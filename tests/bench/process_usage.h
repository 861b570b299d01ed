#ifndef COUNTERSIGN_TESTS_BENCH_PROCESS_USAGE_H_
#define COUNTERSIGN_TESTS_BENCH_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/time/time.h"

namespace countersign::bench {

// Memory of a process, from /proc; zero when it is gone.
struct Memory {
  int64_t resident_kib = 0;
  int64_t peak_kib = 0;
};
Memory MemoryOf(pid_t pid);

// Processor time that a process has used so far.
absl::Duration ProcessorTimeOf(pid_t pid);
// The same, of a process, its children, and the children that have ended.
absl::Duration ProcessorTimeWithChildren(pid_t pid);

pid_t ParentOf(pid_t pid);

}  // namespace countersign::bench

#endif  // COUNTERSIGN_TESTS_BENCH_PROCESS_USAGE_H_
