// What is known of the types of resources: which hold data, what keeps it, what loses it. Read from
// data/resource_types.json, which can be extended without touching code.
#ifndef COUNTERSIGN_CORE_FINDING_RESOURCE_TYPES_H_
#define COUNTERSIGN_CORE_FINDING_RESOURCE_TYPES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "countersign/v1/finding.pb.h"

namespace countersign::finding {

// What a deletion does to something that belongs to the resource, as one attribute before it says. Attributes
// are named without indexes: settings.backup_configuration.enabled.
struct LossFlag {
  std::string attribute;               // Empty when it is always lost.
  std::vector<std::string> lost_when;  // Any of these values loses it.
  bool kept_when_set = false;          // Any text that is not empty keeps it.
  std::string provider_default;        // What the provider takes when nothing is said; for the reader.
};

// An attribute that keeps a resource or what is in it.
struct Protection {
  enum class Kind {
    kOn,        // Protects while it has one of the values `on`.
    kShortens,  // A number or a duration that protects less when it is lower, and not at all when it is gone.
    kExpires,   // A number after which data is removed; without it data stays.
    kRemoves,   // Data is removed by itself while it has one of the values `on`.
    kScope,     // A prefix or so: what is removed by itself. Protects less when it takes in more.
    kRules,     // A text with rules on what is removed by itself. Any other text can remove more.
  };
  Kind kind = Kind::kOn;
  std::string attribute;
  std::vector<std::string> on;
  // Of rules in a list, only those count that have one of these too, where the whole list is seen.
  std::vector<std::string> beside;
  // Values at which the provider deletes the automated backups that it has, at once.
  std::vector<std::string> deletes_backups_at;
};

struct ResourceType {
  enum class Holds { kNothing, kData, kKey, kBackup, kProtection };

  std::string type;  // aws_db_instance
  std::string what;  // database
  Holds holds = Holds::kNothing;
  // Of deleting it.
  v1::Finding::Severity severity = v1::Finding::CRITICAL;
  // Attributes by which people know it, the best first.
  std::vector<std::string> identifiers;
  // Attributes that name what it is a backup or a protection of.
  std::vector<std::string> of;
  std::optional<LossFlag> final_snapshot;
  std::optional<LossFlag> automated_backups;
  std::optional<LossFlag> force_destroy;
  std::vector<Protection> protections;
};

// Immutable, hence thread-safe.
class ResourceTypes {
 public:
  // Errors: INVALID_ARGUMENT, with the place of the first mistake.
  static absl::StatusOr<ResourceTypes> Parse(std::string_view text);
  // The embedded table.
  static const ResourceTypes& Get();

  // Null pointer when it is not in the table.
  const ResourceType* Find(const std::string& type) const;
  // Whether the table is meant to cover the provider that `type` is of, going by the name's first part.
  bool IsFamiliar(std::string_view type) const;
  // Whether a type that is not in the table is named like something that holds data.
  bool SoundsLikeData(std::string_view type) const;

  const absl::flat_hash_map<std::string, ResourceType>& types() const { return types_; }

 private:
  absl::flat_hash_map<std::string, ResourceType> types_;
  absl::flat_hash_set<std::string> familiar_providers_;
  absl::flat_hash_set<std::string> data_words_;
  std::vector<std::string> dataless_suffixes_;
};

}  // namespace countersign::finding

#endif  // COUNTERSIGN_CORE_FINDING_RESOURCE_TYPES_H_
