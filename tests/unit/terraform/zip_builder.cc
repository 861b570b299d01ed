#include "tests/unit/terraform/zip_builder.h"

#include <zlib.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace countersign::testing {
namespace {

constexpr size_t kLocalBytes = 30;
constexpr size_t kEndBytes = 22;

class LittleEndianReader {
 public:
  explicit LittleEndianReader(std::string_view bytes) : bytes_(bytes) {}

  std::string Text(size_t size) {
    if (size > bytes_.size()) throw std::out_of_range("the zip is cut off");
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  uint16_t Take16() { return static_cast<uint16_t>(Take(2)); }
  uint32_t Take32() { return Take(4); }

 private:
  uint32_t Take(size_t size) {
    uint32_t value = 0;
    const std::string text = Text(size);
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[i]);
    return value;
  }

  std::string_view bytes_;
};

std::string Common(const ZipHeader& header) {
  return Little16(header.version_needed) + Little16(header.flags) + Little16(header.method) +
         Little16(header.time) + Little16(header.date) + Little32(header.crc) + Little32(header.packed_size) +
         Little32(header.size) + Little16(static_cast<uint16_t>(header.name.size())) +
         Little16(static_cast<uint16_t>(header.extra.size()));
}

std::string DirectoryRecord(const ZipHeader& header, uint32_t offset) {
  return header.signature + Little16(header.version_made) + Common(header) +
         Little16(static_cast<uint16_t>(header.comment.size())) + Little16(header.disk) +
         Little16(header.internal_attributes) + Little32(header.external_attributes) +
         Little32(header.offset.value_or(offset)) + header.name + header.extra + header.comment;
}

ZipHeader TakeDirectoryRecord(LittleEndianReader* reader) {
  ZipHeader header;
  header.signature = reader->Text(4);
  header.version_made = reader->Take16();
  header.version_needed = reader->Take16();
  header.flags = reader->Take16();
  header.method = reader->Take16();
  header.time = reader->Take16();
  header.date = reader->Take16();
  header.crc = reader->Take32();
  header.packed_size = reader->Take32();
  header.size = reader->Take32();
  const uint16_t name_size = reader->Take16();
  const uint16_t extra_size = reader->Take16();
  const uint16_t comment_size = reader->Take16();
  header.disk = reader->Take16();
  header.internal_attributes = reader->Take16();
  header.external_attributes = reader->Take32();
  header.offset = reader->Take32();
  header.name = reader->Text(name_size);
  header.extra = reader->Text(extra_size);
  header.comment = reader->Text(comment_size);
  return header;
}

}  // namespace

std::string Little16(uint16_t value) {
  return {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8)};
}

std::string Little32(uint32_t value) {
  return Little16(static_cast<uint16_t>(value & 0xFFFF)) + Little16(static_cast<uint16_t>(value >> 16));
}

uint32_t Crc32(std::string_view content) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
}

std::string Deflate(std::string_view content) {
  z_stream stream = {};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate");
  return packed;
}

std::string ZipMember::Content() const {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::runtime_error("inflateInit2");
  std::string content(directory.size + 1, '\0');  // Never empty, so that zlib has somewhere to write.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int result = inflate(&stream, Z_FINISH);
  content.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("inflate");
  return content;
}

void ZipMember::SetPacked(std::string_view new_packed, uint32_t size, uint32_t crc) {
  packed = new_packed;
  directory.packed_size = static_cast<uint32_t>(new_packed.size());
  directory.size = size;
  directory.crc = crc;
  WriteDescriptor();
}

void ZipMember::SetName(std::string_view name) { local.name = directory.name = name; }
void ZipMember::SetFlags(uint16_t flags) { local.flags = directory.flags = flags; }
void ZipMember::SetExtra(std::string_view extra) { local.extra = directory.extra = extra; }

void ZipMember::WriteDescriptor() {
  descriptor =
      "PK\x07\x08" + Little32(directory.crc) + Little32(directory.packed_size) + Little32(directory.size);
}

ZipMember MakeMember(std::string_view name, std::string_view content) {
  ZipMember member;
  member.SetName(name);
  // Go's rule: whatever lies outside of what all character sets have in common.
  const bool needs_utf8 = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7D || c == '\\';
  });
  member.SetFlags(needs_utf8 ? 0x0808 : 0x0008);
  member.SetPacked(Deflate(content), static_cast<uint32_t>(content.size()), Crc32(content));
  return member;
}

std::string Zip::Bytes(uint32_t base) const {
  std::string bytes;
  std::string directory;
  for (const ZipMember& member : members) {
    bytes += member.before;
    directory += DirectoryRecord(member.directory, base + static_cast<uint32_t>(bytes.size()));
    bytes += member.local_signature + Common(member.local) + member.local.name + member.local.extra +
             member.packed + member.descriptor + member.after;
  }
  bytes += before_directory;
  const auto offset = base + static_cast<uint32_t>(bytes.size());
  const auto member_count = static_cast<uint16_t>(members.size());
  bytes += directory + before_end + "PK\x05\x06" + Little16(disk) + Little16(directory_disk) +
           Little16(count_on_disk.value_or(member_count)) + Little16(count.value_or(member_count)) +
           Little32(directory_size.value_or(static_cast<uint32_t>(directory.size()))) +
           Little32(directory_offset.value_or(offset)) + Little16(static_cast<uint16_t>(comment.size())) +
           comment;
  return bytes;
}

ZipMember& Zip::Member(std::string_view name) {
  for (ZipMember& member : members) {
    if (member.directory.name == name) return member;
  }
  throw std::out_of_range("the zip has no " + std::string(name));
}

void Zip::Set(std::string_view name, std::string_view content) {
  const auto is = [](std::string_view sought) {
    return [sought](const ZipMember& member) { return member.directory.name == sought; };
  };
  const auto old = std::find_if(members.begin(), members.end(), is(name));
  if (old != members.end()) {
    *old = MakeMember(name, content);
  } else {
    members.insert(std::find_if(members.begin(), members.end(), is("tfconfig/modules.json")),
                   MakeMember(name, content));
  }
}

void Zip::Remove(std::string_view name) {
  std::erase_if(members, [&](const ZipMember& member) { return member.directory.name == name; });
}

Zip SmallestPlan() {
  Zip zip;
  for (const char* name : {"tfplan", "tfstate", "tfstate-prev", "tfconfig/m-/main.tf",
                           "tfconfig/modules.json", ".terraform.lock.hcl"}) {
    zip.members.push_back(MakeMember(name, "content of " + std::string(name)));
  }
  return zip;
}

Zip ReadZip(std::string_view bytes) {
  if (bytes.size() < kEndBytes) throw std::out_of_range("the zip has no end record");
  LittleEndianReader end(bytes.substr(bytes.size() - kEndBytes + 10));
  const uint16_t count = end.Take16();
  end.Take32();
  LittleEndianReader directory(bytes.substr(std::min<size_t>(end.Take32(), bytes.size())));
  Zip zip;
  for (uint16_t i = 0; i < count; ++i) {
    ZipMember member;
    member.directory = TakeDirectoryRecord(&directory);
    const ZipHeader& header = member.directory;
    LittleEndianReader entry(bytes.substr(std::min<size_t>(*header.offset, bytes.size())));
    entry.Text(kLocalBytes + header.name.size() + header.extra.size());
    member.packed = entry.Text(header.packed_size);
    member.WriteDescriptor();
    member.local = header;
    member.local.crc = member.local.packed_size = member.local.size = 0;
    member.directory.offset.reset();
    zip.members.push_back(std::move(member));
  }
  return zip;
}

}  // namespace countersign::testing
