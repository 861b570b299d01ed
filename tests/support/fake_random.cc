#include "tests/support/fake_random.h"

namespace countersign::testing {

std::string FakeRandom::Bytes(size_t count) {
  base::MutexLock lock(&mutex_);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(engine_() & 0xff);
  return bytes;
}

}  // namespace countersign::testing
