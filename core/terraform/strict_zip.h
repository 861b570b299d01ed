#ifndef COUNTERSIGN_CORE_TERRAFORM_STRICT_ZIP_H_
#define COUNTERSIGN_CORE_TERRAFORM_STRICT_ZIP_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/terraform/limits.h"

namespace countersign::terraform {

// The container of a saved plan. Readers of zip files disagree about files that are odd in any way, and what
// is shown must be what Terraform reads; so this one accepts exactly what Terraform writes (Go's archive/zip,
// streaming) and refuses every other zip, however valid: each byte of the file belongs to exactly one thing,
// and each thing that is said twice is said the same.
//
// Borrows the bytes, which must outlive it, its entries and its readers. Movable; immutable once open, hence
// safe to read from many threads. Errors are PLAN_UNREADABLE.
class StrictZip {
 public:
  // Borrows its packed bytes from those of the file.
  struct Entry {
    std::string name;         // One of those that saved plans have, without characters that cannot be seen.
    uint64_t size = 0;        // Unpacked, in bytes.
    uint32_t crc = 0;         // Of the unpacked bytes, as the file declares it.
    size_t index = 0;         // In entries().
    std::string_view packed;  // The deflate stream.
  };
  class Reader;

  // Checks everything that can be checked without inflating, the limits on sizes included. The content of an
  // entry is checked when it is read: an entry that nobody reads to its end is an entry that nobody checked.
  static absl::StatusOr<StrictZip> Open(std::string_view bytes, const Limits& limits);

  // In the order of the file. `tfplan`, `tfstate`, `tfstate-prev`, `tfconfig/modules.json` and
  // `.terraform.lock.hcl` are always there.
  std::span<const Entry> entries() const { return entries_; }
  // Null when there is none.
  const Entry* Find(std::string_view name) const;

  // The content, exactly as long and with the CRC that was declared. `entry` must be one of this zip.
  absl::StatusOr<std::string> Read(const Entry& entry) const;
  // The same, piece by piece, for what is too large to hold. The reader borrows `entry`.
  Reader Stream(const Entry& entry) const;

 private:
  StrictZip(std::vector<Entry> entries, std::vector<uint32_t> by_name);

  std::vector<Entry> entries_;
  std::vector<uint32_t> by_name_;  // Indices into entries_, sorted by name.
};

// Reads one entry from its start to its end. Movable, not thread-safe.
class StrictZip::Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The next piece, at most 64 KiB, valid until the next call; empty at the end. Length and CRC are known to
  // be right only once the end was reached, so act on nothing before. After an error, the same error.
  absl::StatusOr<std::string_view> Next();

 private:
  friend class StrictZip;
  class Inflater;
  explicit Reader(const Entry& entry);

  std::unique_ptr<Inflater> inflater_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_STRICT_ZIP_H_
