// Feeds whatever strangers can send as a saved plan to the reader of its container. What it accepts must be
// explained to the last byte by what it says is in there, and must be what another reader finds. The first
// byte of the input chooses how much of a plan stands around the rest, so that the fuzzer also gets behind
// sizes and checksums that it could hardly make itself.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/terraform/strict_zip.h"
#include "tests/fuzz/require.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign::terraform {
namespace {

using fuzz::Require;
using testing::Zip;
using testing::ZipMember;

constexpr uint64_t kMaxBytes = 1 << 20;

Limits SmallLimits() {
  Limits limits;
  limits.entries = 64;
  limits.plan_bytes = limits.state_bytes = kMaxBytes;
  return limits;
}

std::string InPieces(const StrictZip& zip, const StrictZip::Entry& entry, absl::Status* status) {
  std::string content;
  auto reader = zip.Stream(entry);
  auto piece = reader.Next();
  for (; piece.ok() && !piece->empty(); piece = reader.Next()) content += *piece;
  *status = piece.status();
  return content;
}

void Read(const StrictZip& zip, const StrictZip::Entry& entry, const ZipMember& other) {
  Require(zip.Find(entry.name) == &entry && other.directory.name == entry.name);
  absl::Status status;
  const std::string pieces = InPieces(zip, entry, &status);
  const auto content = zip.Read(entry);
  Require(content.status() == status);
  // Never more than a piece too much, whatever the stream would have held.
  Require(pieces.size() <= entry.size + (64u << 10));
  if (!content.ok()) return;
  Require(*content == pieces && content->size() == entry.size && testing::Crc32(*content) == entry.crc);
  Require(other.Content() == *content);
}

void AsFile(std::string_view bytes) {
  const auto zip = StrictZip::Open(bytes, SmallLimits());
  if (!zip.ok()) return;
  const Zip other = testing::ReadZip(bytes);
  Require(other.Bytes() == bytes && other.members.size() == zip->entries().size());
  for (size_t i = 0; i < other.members.size(); ++i) Read(*zip, zip->entries()[i], other.members[i]);
}

// A good plan with the input's bytes written over it: three bytes say where and what.
void AsChangesOfAPlan(std::string_view input) {
  static const std::string* const good = new std::string(testing::SmallestPlan().Bytes());
  std::string plan = *good;
  for (size_t i = 0; i + 2 < input.size(); i += 3) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(input[at]); };
    plan[(byte(i) | byte(i + 1) << 8) % plan.size()] = input[i + 2];
  }
  AsFile(plan);
}

// What the stream unpacks to, up to a limit; true if it ends there, and with it the input.
bool Inflate(std::string_view packed, std::string* content) {
  content->assign(kMaxBytes, '\0');
  z_stream stream = {};
  Require(inflateInit2(&stream, -MAX_WBITS) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(content->data());
  stream.avail_out = static_cast<uInt>(content->size());
  const int result = inflate(&stream, Z_FINISH);
  content->resize(stream.total_out);
  const bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  return is_whole;
}

// The input as the deflate stream of `tfplan`, with size and CRC as they should be.
void AsDeflateStream(std::string_view input) {
  std::string content;
  const bool is_whole = Inflate(input, &content);
  Zip plan = testing::SmallestPlan();
  plan.Member("tfplan").SetPacked(input, static_cast<uint32_t>(content.size()), testing::Crc32(content));
  const std::string bytes = plan.Bytes();
  const auto zip = StrictZip::Open(bytes, SmallLimits());
  Require(zip.ok());  // What a stream does unpack to is never more than it can.
  Require(zip->Read(*zip->Find("tfplan")).ok() == is_whole);
  AsFile(bytes);
}

// The input as the name of a module's file, marked as Go marks it: accepted exactly if people can read it.
void AsName(std::string_view input) {
  Zip plan = testing::SmallestPlan();
  plan.Set("tfconfig/m-/" + std::string(input.substr(0, 1000)), "");
  const std::string bytes = plan.Bytes();
  const auto zip = StrictZip::Open(bytes, SmallLimits());
  AsFile(bytes);
  const bool is_plain =
      !input.empty() && input.size() <= 1000 && std::all_of(input.begin(), input.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '/' && c != '\\' && (c < 'A' || c > 'Z');
      });
  if (is_plain) Require(zip.ok() == (input != "." && input != ".."));
  for (const char c : {'\0', '\n', '\x1b', '\x7f', '\\', '/'}) {
    if (input.substr(0, 1000).find(c) != std::string_view::npos) Require(!zip.ok());
  }
}

}  // namespace
}  // namespace countersign::terraform

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::terraform;  // NOLINT(google-build-using-namespace): the entry point must be
                                           // outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      AsFile(input);
      break;
    case 1:
      AsChangesOfAPlan(input);
      break;
    case 2:
      AsDeflateStream(input);
      break;
    case 3:
      AsName(input);
      break;
  }
  return 0;
}
