// What is secret by its name, or by how it looks. Plans do not mark everything that is sensitive: what the
// provider's schema calls so is missing after a replacement, and everything is where the state has no marks.
// Included by this folder's sources and tests only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_SECRET_NAMES_H_
#define COUNTERSIGN_CORE_TERRAFORM_SECRET_NAMES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace countersign::terraform {

// Whether an attribute, a map's key, an output or a variable of this name holds a secret as a rule:
// `password`, `masterUserPassword`, `DB_TOKEN`, `client_secret`, `api_key`, `user_data`. Not `secret_arn`,
// `password_length`, `kms_key_id`, `public_key`, `hash_key`, `http_tokens`, which say something about a
// secret or only sound like one. Looks at the first 256 bytes.
bool IsSecretName(std::string_view name);

// IsSecretName() that remembers: the objects of a plan have the same few names over and over again. Bounded,
// whatever names it is asked for. Not thread-safe.
class SecretNameMemory {
 public:
  bool IsSecret(std::string_view name);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };

  std::unordered_map<std::string, bool, Hash, std::equal_to<>> known_;
};

// Whether an attribute of a resource of this type holds a secret although its name does not tell:
// random_password.result, aws_ssm_parameter.value.
bool IsSecretOfType(std::string_view resource_type, std::string_view attribute);

// Whether a text carries a secret in a form that can be recognised: a URL with a password, a private key, an
// Authorization header, an assignment to a secret name as in `Server=db;Password=…` or `"token": "…"`, a name
// beside a value as in `{"name": "DB_PASSWORD", "value": "…"}`, a signed URL, a key such as ghp_…. Takes time
// linear in the length.
bool HoldsSecret(std::string_view text);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_SECRET_NAMES_H_
