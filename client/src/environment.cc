#include "client/src/environment.h"

#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "core/text/text.h"

namespace countersign {
namespace {

template <size_t count>
std::array<unsigned char, count> RandomBytes() {
  std::array<unsigned char, count> bytes;
  if (RAND_bytes(bytes.data(), count) != 1) std::abort();  // Without entropy no id is unique.
  return bytes;
}

class SystemEnvironment final : public Environment {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Duration Uptime() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  bool SleepFor(absl::Duration duration, const std::stop_token& stop) override {
    if (duration <= absl::ZeroDuration()) return !stop.stop_requested();
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock(mutex);
    condition.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
    return !stop.stop_requested();
  }

  double Fraction() override {
    const auto bytes = RandomBytes<4>();
    uint32_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof(number));
    return number / 4294967296.0;
  }

  std::string NewRequestId() override {
    auto bytes = RandomBytes<16>();
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // Version 4,
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // variant 1 of RFC 9562.
    const std::string hex =
        absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return text::Concat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                        hex.substr(16, 4), "-", hex.substr(20));
  }
};

}  // namespace

Environment& RealEnvironment() {
  static SystemEnvironment environment;
  return environment;
}

}  // namespace countersign
