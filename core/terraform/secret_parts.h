// The parts of texts that are secret. Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_SECRET_PARTS_H_
#define COUNTERSIGN_CORE_TERRAFORM_SECRET_PARTS_H_

#include <string>
#include <string_view>

namespace countersign::terraform {

// What stands where a part of a text was taken out. What is already there of it is not told from it.
inline constexpr std::string_view kHiddenPart = "(hidden)";

// `text`, a command or other code, with kHiddenPart in place of what is secret in it: passwords in URLs,
// signatures and tokens in queries, what is assigned to secret names, given to options of such names, to
// curl's -u or in Authorization headers, private keys, and keys that can be told by how they begin. The rest
// stays readable: what a shell would expand or run is never taken for a secret. Takes time linear in the
// length.
std::string WithoutSecrets(std::string_view text);

// Whether something in `text` is a key by how it begins, such as ghp_…, or the signature of a URL.
bool HasTellingSecret(std::string_view text);

// Whether `text` is JSON, or has it in it, with a secret beside its name: {"name": "DB_PASSWORD", "value":
// "…"}.
bool HasNamedSecret(std::string_view text);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_SECRET_PARTS_H_
