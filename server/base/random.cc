#include "server/base/random.h"

#include <openssl/rand.h>

#include <cstdint>
#include <cstdlib>

namespace countersign::base {

std::string SystemRandom::Bytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) std::abort();
  return bytes;
}

std::string NewId(RandomSource& random) {
  constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string id = random.Bytes(24);
  for (char& c : id) c = kAlphabet[static_cast<unsigned char>(c) & 31];
  return id;
}

double UniformFraction(RandomSource& random) {
  uint32_t value = 0;
  for (const char c : random.Bytes(4)) value = value << 8 | static_cast<unsigned char>(c);
  return value / 4294967296.0;
}

}  // namespace countersign::base
