// Zip files as Go's archive/zip writes them to a stream, which is how saved plans are written, and every
// departure from that.
//
//   Zip zip = ReadZip(plan);                                   // to edit a plan:
//   zip.Set("tfstate", R"({"version":4})");                    //   a new content for an entry, or a new
//   entry zip.Remove("tfstate-prev"); OpenPlan(zip.Bytes());
//
//   zip.Member("tfplan").local.name = "tfplan2";               // to play a trick: change any field
#ifndef COUNTERSIGN_TESTS_UNIT_TERRAFORM_ZIP_BUILDER_H_
#define COUNTERSIGN_TESTS_UNIT_TERRAFORM_ZIP_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::testing {

// What stands before the data of an entry, and once more in the directory. Sizes of name, extra field and
// comment are those of the strings.
struct ZipHeader {
  uint16_t version_needed = 20;
  uint16_t flags = 0x0008;
  uint16_t method = 8;
  uint16_t time = 0x369a;
  uint16_t date = 0x5d75;
  uint32_t crc = 0;
  uint32_t packed_size = 0;
  uint32_t size = 0;
  std::string name;
  std::string extra = std::string("UT\x05\x00\x01\xc4\x3f\x01\x6b", 9);
  // Of the directory only.
  std::string signature = "PK\x01\x02";
  uint16_t version_made = 20;
  uint16_t disk = 0;
  uint16_t internal_attributes = 0;
  uint32_t external_attributes = 0;
  std::string comment;
  std::optional<uint32_t> offset;  // Empty: where the local header is.
};

// Sizes and CRC are zero in `local`, and what they are in `directory` and `descriptor`.
struct ZipMember {
  std::string before;  // Bytes that belong to nothing.
  std::string local_signature = "PK\x03\x04";
  ZipHeader local;
  std::string packed;
  std::string descriptor;
  ZipHeader directory;
  std::string after;  // Bytes that belong to nothing.

  // The unpacked bytes, by an inflate that has nothing to do with the one under test. Throws if it cannot.
  std::string Content() const;
  // A deflate stream and what is said of it.
  void SetPacked(std::string_view packed, uint32_t size, uint32_t crc);
  void SetName(std::string_view name);
  void SetFlags(uint16_t flags);
  void SetExtra(std::string_view extra);
  // Writes the descriptor that belongs to `directory`.
  void WriteDescriptor();
};

struct Zip {
  std::vector<ZipMember> members;
  std::string before_directory;
  std::string before_end;
  uint16_t disk = 0;
  uint16_t directory_disk = 0;
  std::optional<uint16_t> count_on_disk;
  std::optional<uint16_t> count;
  std::optional<uint32_t> directory_size;
  std::optional<uint32_t> directory_offset;
  std::string comment;

  // As if `base` bytes were before it.
  std::string Bytes(uint32_t base = 0) const;

  // The first of that name, which must be there.
  ZipMember& Member(std::string_view name);
  std::string Content(std::string_view name) { return Member(name).Content(); }
  // Replaces the content, or puts a new entry where Terraform puts configuration files.
  void Set(std::string_view name, std::string_view content);
  void Remove(std::string_view name);
};

ZipMember MakeMember(std::string_view name, std::string_view content);
// Raw deflate, without zlib's header.
std::string Deflate(std::string_view content);
uint32_t Crc32(std::string_view content);
std::string Little16(uint16_t value);
std::string Little32(uint32_t value);

// Every entry that a plan must have, and one configuration file; each content is "content of " and its name.
Zip SmallestPlan();

// Takes a file that Go wrote apart, by the directory alone: Bytes() of what it returns is `bytes` again
// exactly if `bytes` is such a file. Throws when the directory cannot be followed.
Zip ReadZip(std::string_view bytes);

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_TERRAFORM_ZIP_BUILDER_H_
