#ifndef COUNTERSIGN_TESTS_SUPPORT_FAKE_RANDOM_H_
#define COUNTERSIGN_TESTS_SUPPORT_FAKE_RANDOM_H_

#include <cstdint>
#include <random>
#include <string>

#include "server/base/mutex.h"
#include "server/base/random.h"

namespace countersign::testing {

// The same bytes for the same seed, on every machine. Thread-safe.
class FakeRandom final : public base::RandomSource {
 public:
  explicit FakeRandom(uint64_t seed = 1) : engine_(seed) {}
  std::string Bytes(size_t count) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  base::Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_FAKE_RANDOM_H_
