// What is known to be secret in all of a plan, wherever it stands. Included by this folder's sources and
// tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_KNOWN_SECRETS_H_
#define COUNTERSIGN_CORE_TERRAFORM_KNOWN_SECRETS_H_

#include <bitset>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "core/terraform/secret_names.h"
#include "core/terraform/sensitive_attributes.h"

namespace countersign::terraform {

// Shorter texts are too often something else as well, so copies of them are not looked for.
inline constexpr size_t kShortestCopy = 8;

// Texts that are secret, such as the values of sensitive variables, to be found within other texts. Not
// thread-safe while it is filled.
class SecretTexts {
 public:
  // Does nothing with texts that are shorter than kShortestCopy without the blanks around them. Of long ones
  // the beginning is remembered. Remembers too how each is written in JSON.
  void Add(std::string_view text);
  // Whether one of them is `text` or a part of it. Takes time linear in the length, whatever there is to
  // find.
  bool AreIn(std::string_view text) const;

 private:
  void AddOne(std::string_view text);
  static size_t Beginning(std::string_view text);
  bool BeginsAny(std::string_view text) const;

  std::set<std::string, std::less<>> texts_;  // None of them begins another one.
  std::bitset<1u << 16> beginnings_;          // By the first two bytes.
};

// What the masks of one plan share. Not thread-safe. A plain value.
struct KnownSecrets {
  SecretNameMemory names;
  SecretTexts texts;
  const SensitiveAttributes* attributes = nullptr;  // Borrowed. None when it is null.
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_KNOWN_SECRETS_H_
