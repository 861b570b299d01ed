// SHA-256 in the one notation that the whole product uses: "sha256:" and 64 lower-case hex digits.
#ifndef COUNTERSIGN_CORE_DIGEST_DIGEST_H_
#define COUNTERSIGN_CORE_DIGEST_DIGEST_H_

#include <memory>
#include <string>
#include <string_view>

namespace countersign::digest {

// The digest of `bytes`, for example
// "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" of nothing.
std::string Sha256(std::string_view bytes);

// The same as 32 raw bytes, for what is defined over them (thumbprints, trees).
std::string Sha256Bytes(std::string_view bytes);

// True exactly for what Sha256() can return. Upper-case digits are refused: one digest has one spelling.
bool IsSha256(std::string_view text);

// Compares in a time that depends on the lengths only. For digests and thumbprints that a stranger presents.
bool Equal(std::string_view a, std::string_view b);

// The digest of bytes that come in pieces. Not thread-safe; movable, and unusable once moved from.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void Update(std::string_view bytes);
  // The digest of everything since the construction or the last Finish(); the hasher then starts anew.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace countersign::digest

#endif  // COUNTERSIGN_CORE_DIGEST_DIGEST_H_
