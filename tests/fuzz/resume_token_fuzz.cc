// Feeds whatever strangers can send as the resume token of a watch, and ends the process if one is accepted
// that was not made here, or that was made for another target. The first byte of the input chooses what the
// rest is taken for, so that the fuzzer also gets behind the seal, which it could never make itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "server/watch/resume_token.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

using watch::DecodeResumeToken;
using watch::EncodeResumeToken;
using watch::Position;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kTarget = "targets/prod-courses";

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

void AsToken(std::string_view input) { Require(!DecodeResumeToken(kKey, kTarget, input).ok()); }

void AsPosition(std::string_view input) {
  const Position position = TakePosition(input);
  const std::string token = EncodeResumeToken(kKey, kTarget, position);
  const auto decoded = DecodeResumeToken(kKey, kTarget, token);
  Require(decoded.ok() && Same(*decoded, position) && EncodeResumeToken(kKey, kTarget, *decoded) == token);
  Require(!DecodeResumeToken(kKey, "targets/prod", token).ok());
  Require(!DecodeResumeToken(kKey, "", token).ok());
  Require(!DecodeResumeToken("another key, another key, anothe", kTarget, token).ok());
}

// A good token with the input's bytes written over it: only the token itself is accepted.
void AsChangesOfAToken(std::string_view input) {
  const std::string good = EncodeResumeToken(
      kKey, kTarget, {.time = absl::FromUnixMicros(1763000000000000), .id = "abcdefghijklmnopqrstuvwx"});
  std::string token = good;
  for (size_t i = 0; i + 1 < input.size(); i += 2) {
    token[static_cast<unsigned char>(input[i]) % token.size()] = input[i + 1];
  }
  Require(DecodeResumeToken(kKey, kTarget, token).ok() == (token == good));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::fuzz;  // NOLINT(google-build-using-namespace): the entry point must be outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      AsToken(input);
      break;
    case 1:
      AsPosition(input);
      break;
    case 2:
      AsChangesOfAToken(input);
      break;
  }
  return 0;
}
