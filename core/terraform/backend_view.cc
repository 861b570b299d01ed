#include "core/terraform/backend_view.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "core/terraform/msgpack.h"
#include "core/terraform/secret_names.h"
#include "core/terraform/shown_json.h"
#include "core/terraform/unreadable.h"

namespace countersign::terraform {
namespace {

using Kind = Value::Kind;

// Of the backends that Terraform brings. Sorted.
constexpr std::string_view kShown[] = {
    "acl",
    "address",
    "bucket",
    "client_id",
    "config_context",
    "config_path",
    "container_name",
    "dynamodb_endpoint",
    "dynamodb_table",
    "encrypt",
    "endpoint",
    "endpoints",
    "environment",
    "force_path_style",
    "gzip",
    "hostname",
    "in_cluster_config",
    "kms_encryption_key",
    "kms_key_id",
    "lock",
    "lock_address",
    "lock_method",
    "lookup_blob_endpoint",
    "name",
    "namespace",
    "organization",
    "path",
    "prefix",
    "profile",
    "region",
    "resource_group_name",
    "scheme",
    "schema_name",
    "secret_suffix",
    "skip_cert_verification",
    "skip_index_creation",
    "skip_schema_creation",
    "skip_table_creation",
    "snapshot",
    "storage_account_name",
    "subscription_id",
    "tablestore_endpoint",
    "tablestore_table",
    "tenant_id",
    "unlock_address",
    "unlock_method",
    "update_method",
    "use_azuread_auth",
    "use_lockfile",
    "use_oidc",
    "use_path_style",
    "workspace_dir",
    "workspace_key_prefix",
    "workspaces",
};

// Where `key` names an object and is no key.
constexpr std::string_view kWithObjectKey[] = {"azurerm", "cos", "oss", "s3"};

bool IsShown(std::string_view type, std::string_view name) {
  if (name == "key")
    return std::find(std::begin(kWithObjectKey), std::end(kWithObjectKey), type) != std::end(kWithObjectKey);
  return std::find(std::begin(kShown), std::end(kShown), name) != std::end(kShown);
}

// A URL can carry a password before the host and a token behind the question mark.
bool IsPlainText(std::string_view text, const SecretTexts& secrets) {
  const bool url = text.find("://") != std::string_view::npos;
  return !HoldsSecret(text) && !secrets.AreIn(text) &&
         !(url && text.find_first_of("@?") != std::string_view::npos);
}

bool IsPlain(const Value& value, const SecretTexts& secrets) {
  switch (value.kind()) {
    case Kind::kString:
      return IsPlainText(value.text(), secrets);
    case Kind::kSequence:
      return std::all_of(value.elements().begin(), value.elements().end(),
                         [&secrets](const Value& element) { return IsPlain(element, secrets); });
    case Kind::kMapping:
      return std::all_of(value.members().begin(), value.members().end(), [&secrets](const Member& member) {
        return !IsSecretName(member.name) && IsPlain(member.value, secrets);
      });
    default:
      return true;
  }
}

void AddSetting(const Member& setting, const Limits& limits, KnownSecrets* secrets, v1::Backend* shown) {
  const std::string name(setting.name);
  const Mask mask(limits, "", "", secrets);
  if (IsShown(shown->type(), name) && IsPlain(setting.value, secrets->texts)) {
    ShownJson json = ShowJson(setting.value, mask.root(), limits.shown_text_bytes);
    if (!json.cut) {
      (*shown->mutable_settings())[name] = std::move(json.text);
      return;
    }
  }
  shown->add_masked_settings(name);
}

}  // namespace

absl::StatusOr<v1::Backend> ShowBackend(const plan_file::Backend& backend, const SaltedDigest& salted,
                                        const Limits& limits, KnownSecrets* secrets) {
  constexpr std::string_view kPlace = "tfplan: backend.config";
  ValueArena arena(limits);
  const auto config = DecodeMsgpack(backend.config().msgpack(), &arena, limits, kPlace);
  if (!config.ok()) return config.status();
  v1::Backend shown;
  shown.set_type(backend.type());
  shown.set_workspace(backend.workspace());
  ContentHasher hasher("countersign backend settings 1");
  hasher.Add(backend.type());
  hasher.Add(*config);
  shown.set_settings_digest(salted.Of(hasher.Finish()));
  if (config->is_null()) return shown;
  if (config->kind() != Kind::kMapping) return Unreadable(kPlace, "is no object");
  for (const Member& setting : config->members()) {
    if (setting.name.size() > limits.shown_path_bytes)
      return Unreadable(kPlace, "has a name that is too long");
    if (!setting.value.is_null()) AddSetting(setting, limits, secrets, &shown);
  }
  return shown;
}

}  // namespace countersign::terraform
