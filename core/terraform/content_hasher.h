// What digests of values are made of. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_CONTENT_HASHER_H_
#define COUNTERSIGN_CORE_TERRAFORM_CONTENT_HASHER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "core/digest/digest.h"
#include "core/terraform/masking.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

// Hashes a sequence of texts, numbers and values so that no two sequences hash the same bytes: each says what
// it is and how long it is. A number and the text that is it are the same, as for IsSame(). Not thread-safe.
class ContentHasher {
 public:
  // `domain` tells what the digest is of: digests of two things are never the same.
  explicit ContentHasher(std::string_view domain) { Add(domain); }

  void Add(std::string_view text);
  void Add(uint64_t number);
  void Add(const Value& value);
  // The same with nothing in it of what `cursor`, which stands at the value, hides.
  void AddShown(const Value& value, const Mask::Cursor& cursor);

  // The digest of everything since the construction, in the notation of core/digest. To be called once.
  std::string Finish();

 private:
  void Write(char tag, std::string_view text);
  void AddLeaf(const Value& value);
  void Flush();

  digest::Sha256Hasher hasher_;
  std::string buffer_;  // Many small pieces are slow one by one.
};

// Digests of secrets that tell whether two of them are the same, and nothing to who does not have the salt:
// HMAC-SHA256. Immutable, hence thread-safe.
class SaltedDigest {
 public:
  explicit SaltedDigest(std::string_view salt);

  // In the notation of core/digest.
  std::string Of(std::string_view content) const;
  std::string Of(const Value& value) const;

 private:
  std::string inner_;  // Both keys are one block long.
  std::string outer_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_CONTENT_HASHER_H_
