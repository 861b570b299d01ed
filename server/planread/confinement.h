#ifndef COUNTERSIGN_SERVER_PLANREAD_CONFINEMENT_H_
#define COUNTERSIGN_SERVER_PLANREAD_CONFINEMENT_H_

#include <cstddef>

namespace countersign::planread {

struct Confinement {
  size_t memory_bytes = size_t{1} << 30;
  unsigned int cpu_seconds = 20;
};

// Takes from this process, for good, everything but reading standard input, writing standard output, memory
// within the limit and the processor within the limit: no files, no network, no other programs; the kernel
// ends it when it tries. It yields to other processes and ends when its parent does. False when any of it
// could not be had; read nothing then. Call before there are threads.
bool Confine(const Confinement& confinement);

}  // namespace countersign::planread

#endif  // COUNTERSIGN_SERVER_PLANREAD_CONFINEMENT_H_
