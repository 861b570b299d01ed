#ifndef COUNTERSIGN_SERVER_BASE_RANDOM_H_
#define COUNTERSIGN_SERVER_BASE_RANDOM_H_

#include <cstddef>
#include <string>

namespace countersign::base {

// Source of unpredictable bytes. Implementations are thread-safe.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual std::string Bytes(size_t count) = 0;
};

// OpenSSL's generator. Ends the process if the operating system gives no entropy: nothing here is safe then.
class SystemRandom final : public RandomSource {
 public:
  std::string Bytes(size_t count) override;
};

// 24 characters of a-z and 2-7 (120 bits): an id that cannot be guessed and that a person can type a prefix
// of.
std::string NewId(RandomSource& random);

// A number in [0, 1), for jitter.
double UniformFraction(RandomSource& random);

}  // namespace countersign::base

#endif  // COUNTERSIGN_SERVER_BASE_RANDOM_H_
