#include "core/terraform/strict_zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "core/terraform/unreadable.h"
#include "core/text/text.h"
#include "core/text/utf8.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kLocalSignature = "PK\x03\x04";
constexpr std::string_view kDescriptorSignature = "PK\x07\x08";
constexpr std::string_view kCentralSignature = "PK\x01\x02";
constexpr std::string_view kEndSignature = "PK\x05\x06";
constexpr size_t kLocalBytes = 30;
constexpr size_t kDescriptorBytes = 16;
constexpr size_t kCentralBytes = 46;
constexpr size_t kEndBytes = 22;

constexpr uint16_t kVersion = 20;
constexpr uint16_t kDeflate = 8;
constexpr uint16_t kDescriptorFlag = 0x0008;
constexpr uint16_t kUtf8Flag = 0x0800;
// In these fields the largest value says that the real one is in a zip64 record.
constexpr uint16_t kZip64Count = 0xFFFF;
constexpr uint32_t kZip64Size = 0xFFFFFFFF;
// The extended timestamp: id, length of what follows, "only the time of modification", that time.
constexpr std::string_view kTimestampHeader("UT\x05\x00\x01", 5);
constexpr size_t kTimestampBytes = 9;
// 258 bytes from two bits is the most that deflate can make of anything.
constexpr uint64_t kMaxExpansion = 1032;

constexpr std::string_view kPlan = "tfplan";
constexpr std::string_view kState = "tfstate";
constexpr std::string_view kPreviousState = "tfstate-prev";
constexpr std::string_view kModulePrefix = "tfconfig/m-";
constexpr std::string_view kModules = "tfconfig/modules.json";
constexpr std::string_view kLockFile = ".terraform.lock.hcl";
constexpr std::array kRequired = {kPlan, kState, kPreviousState, kModules, kLockFile};

absl::Status Refuse(std::string_view what) { return Unreadable("zip", what); }

// Names that everybody may choose are not repeated to people, so modules' files are called by their number.
absl::Status RefuseEntry(size_t index, std::string_view name, std::string_view what) {
  if (std::find(kRequired.begin(), kRequired.end(), name) != kRequired.end()) {
    return Unreadable(text::Concat("zip: ", name), what);
  }
  return Unreadable(text::Concat("zip: entries[", index, "]"), what);
}

// Little-endian; the caller has made sure that the bytes are there.
uint16_t Read16(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  return static_cast<uint16_t>(byte(0) | byte(1) << 8);
}
uint32_t Read32(std::string_view bytes, size_t at) {
  return Read16(bytes, at) | static_cast<uint32_t>(Read16(bytes, at + 2)) << 16;
}

// ---- What is no zip ---------------------------------------------------------------------------------

std::string_view WhatJsonIs(std::string_view head) {
  const auto has = [&](std::string_view member) { return head.find(member) != std::string_view::npos; };
  if (has("\"remote_plan_format\"")) {
    return "it is a reference to a plan kept in HCP Terraform, which holds nothing to review; save the plan "
           "locally";
  }
  if (has("\"encrypted_data\"")) {
    return "it is an encrypted OpenTofu plan, which cannot be reviewed; save the plan without encryption";
  }
  if (has("\"format_version\"")) {
    return "it is JSON as terraform show prints it, not a plan; submit what terraform plan -out=FILE wrote";
  }
  if (has("\"lineage\"") || has("\"serial\"")) {
    return "it is a state, not a plan; submit what terraform plan -out=FILE wrote";
  }
  return "it is JSON, not a saved plan; submit what terraform plan -out=FILE wrote";
}

// For people only: nothing is decided by it, the file is refused whatever it is.
absl::Status RefuseWhatIsNoZip(std::string_view bytes) {
  constexpr size_t kHeadBytes = 4096;
  const std::string_view head = bytes.substr(0, kHeadBytes);
  const auto refuse = [](std::string_view what) { return Unreadable("file", what); };
  if (head.empty()) return refuse("it is empty");
  if (head.starts_with(kPlan)) {
    return refuse("it was written by a terraform before 0.12; terraform 1.8 or newer is needed");
  }
  if (text::Strip(head).starts_with('{')) return refuse(WhatJsonIs(head));
  if (head.starts_with("PK")) {
    return refuse("it is a zip that terraform did not write: it does not begin with an entry");
  }
  return refuse("it is not a saved plan; submit what terraform plan -out=FILE wrote");
}

// ---- Names ------------------------------------------------------------------------------------------

// Controls, and what changes how the text around it looks without being seen itself.
bool IsInvisible(char32_t point) {
  constexpr std::pair<char32_t, char32_t> kRanges[] = {
      {0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD},   {0x061C, 0x061C}, {0x180E, 0x180E},
      {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},   {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
      {0xFFF0, 0xFFFC}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF},
  };
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [&](const auto& range) { return range.first <= point && point <= range.second; });
}

// Go marks a name as UTF-8 when it holds anything that some character set puts in place of ASCII, which
// besides all that is not ASCII is the tilde.
bool NeedsUtf8Flag(char32_t point) { return point > 0x7D; }

// What is wrong with the characters; null when nothing is. Says whether Go would mark the name as UTF-8.
const char* FaultInCharacters(std::string_view name, bool* needs_utf8_flag) {
  *needs_utf8_flag = false;
  while (!name.empty()) {
    const auto point = text::TakeCodePoint(&name);
    if (!point.has_value()) return "its name is not valid UTF-8";
    if (IsInvisible(*point)) return "its name holds a character that cannot be seen";
    if (*point == '\\') return "its name holds a backslash";
    *needs_utf8_flag = *needs_utf8_flag || NeedsUtf8Flag(*point);
  }
  return nullptr;
}

// tfconfig/m-KEY/FILE: the key, empty for the root module, and the file have no folders of their own.
bool IsModuleFile(std::string_view name) {
  if (!text::ConsumePrefix(&name, kModulePrefix)) return false;
  const auto parts = text::Split(name, '/');
  return parts.size() == 2 && !parts[1].empty() && parts[1] != "." && parts[1] != "..";
}

// Where Terraform puts an entry of this name among the others; nothing for names that it does not write.
std::optional<int> RankOf(std::string_view name) {
  if (name == kPlan) return 0;
  if (name == kState) return 1;
  if (name == kPreviousState) return 2;
  if (IsModuleFile(name)) return 3;
  if (name == kModules) return 4;
  if (name == kLockFile) return 5;
  return std::nullopt;
}

uint64_t MaxSizeOf(std::string_view name, const Limits& limits) {
  if (name == kPlan) return limits.plan_bytes;
  if (name == kState || name == kPreviousState) return limits.state_bytes;
  if (name == kLockFile) return limits.lock_file_bytes;
  return limits.configuration_file_bytes;
}

std::string FoldCase(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

// ---- The file ---------------------------------------------------------------------------------------

// What the last bytes of the file say.
struct End {
  size_t entry_count = 0;
  size_t directory_begin = 0;
  size_t directory_end = 0;
};

absl::StatusOr<End> ReadEnd(std::string_view bytes, const Limits& limits) {
  if (bytes.size() < kEndBytes || !bytes.substr(bytes.size() - kEndBytes).starts_with(kEndSignature)) {
    return Refuse("it does not end with an end record that has no comment: cut off, or something follows it");
  }
  const size_t begin = bytes.size() - kEndBytes;
  const std::string_view record = bytes.substr(begin);
  const uint16_t count = Read16(record, 10);
  const uint32_t size = Read32(record, 12);
  const uint32_t offset = Read32(record, 16);
  if (Read16(record, 4) != 0 || Read16(record, 6) != 0 || Read16(record, 8) != count) {
    return Refuse("the end record speaks of more than one disk");
  }
  if (count == kZip64Count || size == kZip64Size || offset == kZip64Size) {
    return Refuse("the end record asks for zip64, which a plan never needs");
  }
  if (Read16(record, 20) != 0) return Refuse("the end record announces a comment");
  if (uint64_t{offset} + size != begin) return Refuse("the directory does not reach up to the end record");
  if (count > limits.entries) {
    return Refuse(text::Concat("it has ", count, " entries; at most ", limits.entries, " are read"));
  }
  return End{.entry_count = count, .directory_begin = offset, .directory_end = begin};
}

// One record of the directory whose fields were not judged yet. Views into the file.
struct Record {
  std::string_view fixed;
  std::string_view name;
  std::string_view extra;

  uint16_t flags() const { return Read16(fixed, 8); }
  uint32_t crc() const { return Read32(fixed, 16); }
  uint32_t packed_size() const { return Read32(fixed, 20); }
  uint32_t size() const { return Read32(fixed, 24); }
  uint32_t offset() const { return Read32(fixed, 42); }
};

// Walks over entries and directory at once: for each record of the directory, the local header, the stream
// and the descriptor must be the very next bytes of the entries' part.
class Walk {
 public:
  Walk(std::string_view bytes, const End& end, const Limits& limits)
      : bytes_(bytes), end_(end), limits_(limits), in_directory_(end.directory_begin) {}

  absl::StatusOr<std::vector<StrictZip::Entry>> Entries() {
    std::vector<StrictZip::Entry> entries;
    while (entries.size() < end_.entry_count) {
      index_ = entries.size();
      auto entry = NextEntry();
      if (!entry.ok()) return entry.status();
      entries.push_back(*std::move(entry));
    }
    if (in_directory_ != end_.directory_end) return Refuse("something lies between directory and end record");
    if (in_entries_ != end_.directory_begin) return Refuse("something lies between entries and directory");
    return entries;
  }

 private:
  absl::Status RefuseIt(std::string_view what) const { return RefuseEntry(index_, name_, what); }

  absl::StatusOr<StrictZip::Entry> NextEntry() {
    name_ = {};  // Not to be called by a name that was not checked.
    const auto record = NextRecord();
    if (!record.ok()) return record.status();
    if (absl::Status status = CheckName(*record); !status.ok()) return status;
    if (absl::Status status = CheckFields(*record); !status.ok()) return status;
    if (absl::Status status = CheckSizes(*record); !status.ok()) return status;
    auto packed = NextStream(*record);
    if (!packed.ok()) return packed.status();
    return StrictZip::Entry{.name = std::string(record->name),
                            .size = record->size(),
                            .crc = record->crc(),
                            .index = index_,
                            .packed = *packed};
  }

  absl::StatusOr<Record> NextRecord() {
    const std::string_view rest = bytes_.substr(in_directory_, end_.directory_end - in_directory_);
    if (rest.size() < kCentralBytes || !rest.starts_with(kCentralSignature)) {
      return RefuseIt("its record is not where the directory must have it");
    }
    const size_t name_size = Read16(rest, 28);
    const size_t extra_size = Read16(rest, 30);
    if (rest.size() - kCentralBytes < name_size + extra_size) {
      return RefuseIt("its record is longer than the directory");
    }
    in_directory_ += kCentralBytes + name_size + extra_size;
    return Record{.fixed = rest.substr(0, kCentralBytes),
                  .name = rest.substr(kCentralBytes, name_size),
                  .extra = rest.substr(kCentralBytes + name_size, extra_size)};
  }

  absl::Status CheckName(const Record& record) {
    if (record.name.size() > limits_.entry_name_bytes) {
      return RefuseIt(text::Concat("its name has ", record.name.size(), " bytes; at most ",
                                   limits_.entry_name_bytes, " are read"));
    }
    bool needs_utf8_flag = false;
    if (const char* fault = FaultInCharacters(record.name, &needs_utf8_flag); fault != nullptr) {
      return RefuseIt(fault);
    }
    const auto rank = RankOf(record.name);
    if (!rank.has_value()) return RefuseIt("its name is none that a saved plan has");
    name_ = record.name;
    if (record.flags() != (needs_utf8_flag ? kDescriptorFlag | kUtf8Flag : kDescriptorFlag)) {
      return RefuseIt(
          text::Concat("its flags are 0x", absl::Hex(record.flags(), absl::kZeroPad4),
                       ", which terraform does not write for it (encrypted, no descriptor, or its "
                       "name wrongly marked as UTF-8)"));
    }
    if (*rank < rank_) return RefuseIt("it is not in the order in which terraform writes entries");
    rank_ = *rank;
    return absl::OkStatus();
  }

  absl::Status CheckFields(const Record& record) const {
    const std::string_view fixed = record.fixed;
    if (Read16(fixed, 4) != kVersion || Read16(fixed, 6) != kVersion) {
      return RefuseIt("its zip versions are not those that terraform writes");
    }
    if (Read16(fixed, 10) != kDeflate) {
      return RefuseIt(text::Concat("its compression method is ", Read16(fixed, 10), " and not deflate"));
    }
    if (record.extra.size() != kTimestampBytes || !record.extra.starts_with(kTimestampHeader)) {
      return RefuseIt("its extra field is not exactly one timestamp");
    }
    if (Read16(fixed, 32) != 0) return RefuseIt("it has a comment");
    if (Read16(fixed, 34) != 0) return RefuseIt("it is said to be on another disk");
    if (Read16(fixed, 36) != 0 || Read32(fixed, 38) != 0) return RefuseIt("it has file attributes");
    if (record.offset() != in_entries_) {
      return RefuseIt("it does not begin where the one before it ends");
    }
    return absl::OkStatus();
  }

  absl::Status CheckSizes(const Record& record) {
    const uint64_t size = record.size();
    if (size == kZip64Size || record.packed_size() == kZip64Size) {
      return RefuseIt("it asks for zip64, which a plan never needs");
    }
    if (const uint64_t max = MaxSizeOf(record.name, limits_); size > max) {
      return RefuseIt(text::Concat("it unpacks to ", size, " bytes; at most ", max, " are read"));
    }
    if (size > limits_.total_bytes - total_) {
      return RefuseIt(
          text::Concat("with it, the entries unpack to more than ", limits_.total_bytes, " bytes"));
    }
    total_ += size;
    if (size > kMaxExpansion * record.packed_size()) {
      return RefuseIt("it is said to unpack to more than its packed bytes can hold");
    }
    return absl::OkStatus();
  }

  // The packed bytes, once it is known that what stands before and after them says what the directory says.
  absl::StatusOr<std::string_view> NextStream(const Record& record) {
    const std::string_view rest = bytes_.substr(in_entries_, end_.directory_begin - in_entries_);
    const uint64_t header_size = kLocalBytes + record.name.size() + record.extra.size();
    const uint64_t whole = header_size + record.packed_size() + kDescriptorBytes;
    if (rest.size() < whole) return RefuseIt("it is longer than the room before the directory");
    if (absl::Status status = CheckLocalHeader(record, rest.substr(0, header_size)); !status.ok()) {
      return status;
    }
    const std::string_view descriptor = rest.substr(header_size + record.packed_size(), kDescriptorBytes);
    if (!descriptor.starts_with(kDescriptorSignature))
      return RefuseIt("its descriptor is not behind its data");
    if (descriptor.substr(4) != record.fixed.substr(16, 12)) {
      return RefuseIt("descriptor and directory disagree about its sizes or its CRC");
    }
    in_entries_ += whole;
    return rest.substr(header_size, record.packed_size());
  }

  absl::Status CheckLocalHeader(const Record& record, std::string_view header) const {
    struct Field {
      const char* name;
      size_t in_local;
      size_t in_directory;
      size_t size;
    };
    constexpr Field kFields[] = {
        {"version", 4, 6, 2}, {"flags", 6, 8, 2},         {"method", 8, 10, 2},
        {"time", 10, 12, 4},  {"name's size", 26, 28, 2}, {"extra field's size", 28, 30, 2},
    };
    if (!header.starts_with(kLocalSignature)) return RefuseIt("its local header is not where it must be");
    const auto differs = [&](const char* what) {
      return RefuseIt(text::Concat("local header and directory disagree about its ", what));
    };
    for (const Field& field : kFields) {
      if (header.substr(field.in_local, field.size) != record.fixed.substr(field.in_directory, field.size)) {
        return differs(field.name);
      }
    }
    if (header.substr(14, 12).find_first_not_of('\0') != std::string_view::npos) {
      return RefuseIt("its local header has sizes or a CRC, which terraform writes behind the data");
    }
    if (header.substr(kLocalBytes, record.name.size()) != record.name) return differs("name");
    if (header.substr(kLocalBytes + record.name.size()) != record.extra) return differs("extra field");
    return absl::OkStatus();
  }

  const std::string_view bytes_;
  const End end_;
  const Limits& limits_;
  size_t in_directory_;
  size_t in_entries_ = 0;
  uint64_t total_ = 0;
  int rank_ = 0;
  // Of the entry that is looked at.
  size_t index_ = 0;
  std::string_view name_;  // Empty until it was checked.
};

// Two entries of one name are two different files to different readers, and so are two that a file system
// without upper case would make one.
absl::Status CheckNamesAreUnique(const std::vector<StrictZip::Entry>& entries) {
  std::vector<std::pair<std::string, size_t>> folded;
  folded.reserve(entries.size());
  for (const auto& entry : entries) folded.emplace_back(FoldCase(entry.name), entry.index);
  std::sort(folded.begin(), folded.end());
  const auto twice =
      std::adjacent_find(folded.begin(), folded.end(),
                         [](const auto& left, const auto& right) { return left.first == right.first; });
  if (twice == folded.end()) return absl::OkStatus();
  const auto& second = entries[std::next(twice)->second];
  return RefuseEntry(second.index, second.name,
                     text::Concat("it has the same name as entries[", twice->second, "]"));
}

}  // namespace

StrictZip::StrictZip(std::vector<Entry> entries, std::vector<uint32_t> by_name)
    : entries_(std::move(entries)), by_name_(std::move(by_name)) {}

absl::StatusOr<StrictZip> StrictZip::Open(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.file_bytes) {
    return Unreadable(
        "file", text::Concat("it has ", bytes.size(), " bytes; at most ", limits.file_bytes, " are read"));
  }
  if (!bytes.starts_with(kLocalSignature)) return RefuseWhatIsNoZip(bytes);
  const auto end = ReadEnd(bytes, limits);
  if (!end.ok()) return end.status();
  auto entries = Walk(bytes, *end, limits).Entries();
  if (!entries.ok()) return entries.status();
  if (absl::Status status = CheckNamesAreUnique(*entries); !status.ok()) return status;

  std::vector<uint32_t> by_name(entries->size());
  for (size_t i = 0; i < by_name.size(); ++i) by_name[i] = static_cast<uint32_t>(i);
  std::sort(by_name.begin(), by_name.end(),
            [&](uint32_t left, uint32_t right) { return (*entries)[left].name < (*entries)[right].name; });
  StrictZip zip(*std::move(entries), std::move(by_name));
  for (const std::string_view name : kRequired) {
    if (zip.Find(name) == nullptr) {
      return Refuse(
          text::Concat("there is no ", name, "; terraform 1.8 or newer writes one into every plan"));
    }
  }
  return zip;
}

const StrictZip::Entry* StrictZip::Find(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](uint32_t index, std::string_view sought) { return entries_[index].name < sought; });
  if (found == by_name_.end() || entries_[*found].name != name) return nullptr;
  return &entries_[*found];
}

absl::StatusOr<std::string> StrictZip::Read(const Entry& entry) const {
  std::string content;
  content.reserve(entry.size);
  Reader reader = Stream(entry);
  while (true) {
    const auto piece = reader.Next();
    if (!piece.ok()) return piece.status();
    if (piece->empty()) return content;
    content.append(*piece);
  }
}

StrictZip::Reader StrictZip::Stream(const Entry& entry) const { return Reader(entry); }

// ---- Content ----------------------------------------------------------------------------------------

class StrictZip::Reader::Inflater {
 public:
  explicit Inflater(const Entry& entry) : entry_(entry) {
    // zlib does not write to its input; its type just does not say so.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.packed.data()));  // NOLINT
    stream_.avail_in = static_cast<uInt>(entry.packed.size());
    // Negative: a bare deflate stream, without zlib's header and checksum.
    is_open_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK;
    if (!is_open_) status_ = absl::ResourceExhaustedError("there is no memory left to unpack a plan");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (is_open_) inflateEnd(&stream_);
  }

  absl::StatusOr<std::string_view> Next() {
    size_t count = 0;
    while (status_.ok() && !at_end_ && count == 0) count = Step();
    if (!status_.ok()) return status_;
    return std::string_view(buffer_.data(), count);
  }

 private:
  // How many bytes came into the buffer.
  size_t Step() {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const size_t count = buffer_.size() - stream_.avail_out;
    produced_ += count;
    crc_ = static_cast<uint32_t>(
        crc32(crc_, reinterpret_cast<const Bytef*>(buffer_.data()), static_cast<uInt>(count)));
    status_ = Judge(result);
    return count;
  }

  absl::Status Judge(int result) {
    const auto refuse = [&](std::string_view what) { return RefuseEntry(entry_.index, entry_.name, what); };
    if (result == Z_MEM_ERROR)
      return absl::ResourceExhaustedError("there is no memory left to unpack a plan");
    if (result == Z_BUF_ERROR) return refuse("its deflate stream is cut off");
    if (result != Z_OK && result != Z_STREAM_END) return refuse("its deflate stream is damaged");
    if (produced_ > entry_.size) return refuse("it unpacks to more than was declared");
    if (result == Z_OK) return absl::OkStatus();
    at_end_ = true;
    if (stream_.avail_in != 0) return refuse("there are bytes between its deflate stream and its descriptor");
    if (produced_ < entry_.size) return refuse("it unpacks to less than was declared");
    if (crc_ != entry_.crc) return refuse("its content does not have the CRC that was declared");
    return absl::OkStatus();
  }

  const Entry& entry_;
  z_stream stream_ = {};
  bool is_open_ = false;
  bool at_end_ = false;
  uint64_t produced_ = 0;
  uint32_t crc_ = 0;  // Also the CRC of nothing.
  absl::Status status_;
  std::array<char, 64u << 10> buffer_;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before read
};

StrictZip::Reader::Reader(const Entry& entry) : inflater_(std::make_unique<Inflater>(entry)) {}
StrictZip::Reader::Reader(Reader&&) noexcept = default;
StrictZip::Reader& StrictZip::Reader::operator=(Reader&&) noexcept = default;
StrictZip::Reader::~Reader() = default;

absl::StatusOr<std::string_view> StrictZip::Reader::Next() { return inflater_->Next(); }

}  // namespace countersign::terraform
