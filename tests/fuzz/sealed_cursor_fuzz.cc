// Feeds whatever strangers can send as a page token or as the resume token of a watch, and ends the process
// if one opens that was not made here, or that was made for something else. The first byte of the input
// chooses what the rest is taken for, so that the fuzzer also gets behind the seal, which it could never make
// itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/base/sealed_cursor.h"
#include "server/watch/resume_token.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

using base::OpenCursor;
using base::SealCursor;
using watch::DecodeResumeToken;
using watch::EncodeResumeToken;
using watch::Position;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOtherKey = "another key, another key, anothe";
constexpr std::string_view kPurpose = "watch";
constexpr std::string_view kTarget = "targets/prod-courses";
constexpr size_t kMaxBytes = 512;

bool Opens(std::string_view bound_to, std::string_view token) {
  return OpenCursor(kKey, kPurpose, bound_to, token, kMaxBytes).has_value();
}

void AsToken(std::string_view input) {
  Require(!Opens(kTarget, input));
  Require(!DecodeResumeToken(kKey, kTarget, input).ok());
}

// A cursor comes back as it was, for the same purpose, to the same caller and under the same key only.
void AsCursor(std::string_view input) {
  const std::string token = SealCursor(kKey, kPurpose, kTarget, input);
  Require(OpenCursor(kKey, kPurpose, kTarget, token, token.size()) == input);
  Require(!OpenCursor(kKey, kPurpose, kTarget, token, token.size() - 1));
  Require(!OpenCursor(kKey, "page", kTarget, token, token.size()));
  Require(!OpenCursor(kKey, kPurpose, "targets/prod", token, token.size()));
  Require(!OpenCursor(kOtherKey, kPurpose, kTarget, token, token.size()));
}

// What a token is bound to and its cursor are two things, wherever the border between them is.
void AsBorder(std::string_view input) {
  const size_t border = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % input.size();
  const std::string token = SealCursor(kKey, kPurpose, input.substr(0, border), input.substr(border));
  for (size_t other = 0; other <= std::min<size_t>(input.size(), 64); ++other) {
    if (other != border) Require(!OpenCursor(kKey, kPurpose, input.substr(0, other), token, token.size()));
  }
}

// A good token with the input's bytes written over it: only the token itself opens.
void AsChangesOfAToken(std::string_view input) {
  const std::string good = EncodeResumeToken(
      kKey, kTarget, {.time = absl::FromUnixMicros(1763000000000000), .id = "abcdefghijklmnopqrstuvwx"});
  std::string token = good;
  for (size_t i = 0; i + 1 < input.size(); i += 2) {
    token[static_cast<unsigned char>(input[i]) % token.size()] = input[i + 1];
  }
  Require(Opens(kTarget, token) == (token == good));
  Require(DecodeResumeToken(kKey, kTarget, token).ok() == (token == good));
}

// Takes what a position is made of from the front of `input`.
absl::Time TakeTime(std::string_view* input) {
  int64_t microseconds = 0;
  const size_t size = std::min(sizeof(microseconds), input->size());
  std::memcpy(&microseconds, input->data(), size);
  input->remove_prefix(size);
  return absl::FromUnixMicros(microseconds);
}

std::string TakeId(std::string_view* input) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const size_t size = std::min<size_t>(24, input->size());
  std::string id;
  for (const char c : input->substr(0, size)) id.push_back(kAlphabet[static_cast<unsigned char>(c) % 32]);
  input->remove_prefix(size);
  return id;
}

Position TakePosition(std::string_view input) {
  Position position;
  position.time = TakeTime(&input);
  position.id = TakeId(&input);
  if (input.empty()) return position;
  position.listing = true;
  input.remove_prefix(1);
  const absl::Time listed_time = TakeTime(&input);
  const std::string listed_id = TakeId(&input);
  if (!listed_id.empty()) position.listed = storage::ListCursor{.create_time = listed_time, .id = listed_id};
  return position;
}

bool Same(const Position& a, const Position& b) {
  if (a.listed.has_value() != b.listed.has_value()) return false;
  if (a.listed && (a.listed->create_time != b.listed->create_time || a.listed->id != b.listed->id))
    return false;
  return a.listing == b.listing && a.time == b.time && a.id == b.id;
}

// A position comes back as it was, and its token is one that OpenCursor() as used above opens.
void AsPosition(std::string_view input) {
  const Position position = TakePosition(input);
  const std::string token = EncodeResumeToken(kKey, kTarget, position);
  const auto decoded = DecodeResumeToken(kKey, kTarget, token);
  Require(decoded.ok() && Same(*decoded, position) && EncodeResumeToken(kKey, kTarget, *decoded) == token);
  Require(Opens(kTarget, token));
}

// Behind the seal: whatever it is, it is refused, or is a position that another token can say.
void AsContentOfAResumeToken(std::string_view input) {
  const auto position = DecodeResumeToken(kKey, kTarget, SealCursor(kKey, kPurpose, kTarget, input));
  if (!position.ok()) return;
  const auto again = DecodeResumeToken(kKey, kTarget, EncodeResumeToken(kKey, kTarget, *position));
  Require(again.ok() && Same(*again, *position));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::fuzz;  // NOLINT(google-build-using-namespace): the entry point must be outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      AsToken(input);
      break;
    case 1:
      AsCursor(input);
      break;
    case 2:
      AsBorder(input);
      break;
    case 3:
      AsChangesOfAToken(input);
      break;
    case 4:
      AsPosition(input);
      break;
    case 5:
      AsContentOfAResumeToken(input);
      break;
  }
  return 0;
}
