// `.terraform.lock.hcl`: which providers were chosen, and which bytes they may have.
#ifndef COUNTERSIGN_CORE_TERRAFORM_LOCK_FILE_H_
#define COUNTERSIGN_CORE_TERRAFORM_LOCK_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

struct ProviderLock {
  std::string source;               // "registry.terraform.io/hashicorp/aws".
  std::string version;              // "5.71.0".
  std::string constraints;          // ">= 3.0.0, >= 5.70.0"; empty when there are none.
  std::vector<std::string> hashes;  // "h1:…" and "zh:…", sorted.
};

// Who wrote the file, by its first line. Nothing stops anyone from writing that line: good for noticing a
// contradiction, not for believing.
enum class LockWriter : uint8_t { kUnknown, kTerraform, kOpenTofu };

struct LockFile {
  LockWriter writer = LockWriter::kUnknown;
  std::vector<ProviderLock> providers;  // Sorted by source; each has a source of its own.
};

// Errors: PLAN_UNREADABLE for anything but providers with exactly these arguments in literal form.
absl::StatusOr<LockFile> ReadLockFile(std::string_view text, const Limits& limits);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_LOCK_FILE_H_
