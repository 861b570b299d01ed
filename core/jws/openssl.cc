#include "core/jws/openssl.h"

namespace countersign::jws {

Owned<BIO> ReadFrom(std::string_view text) {
  constexpr size_t kMaxPemBytes = 256 << 10;
  if (text.empty() || text.size() > kMaxPemBytes) return nullptr;
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace countersign::jws
