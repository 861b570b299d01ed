// Feeds whatever strangers can send as a page token, and ends the process if one opens that was not made
// here, or that was made for another list. The first byte of the input chooses what the rest is taken for, so
// that the fuzzer also gets behind the seal, which it could never make itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/broker/page_token.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

using broker::OpenPageToken;
using broker::SealPageToken;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kList = "ListProposals spiffe://example.org/human/alice PENDING";

void AsToken(std::string_view input) { Require(!OpenPageToken(kKey, kList, input).ok()); }

// A cursor comes back as it was, to the same list and under the same key only.
void AsCursor(std::string_view input) {
  const std::string token = SealPageToken(kKey, kList, input);
  const auto cursor = OpenPageToken(kKey, kList, token);
  // Longer tokens than any list makes are refused before they are looked at.
  Require(cursor.ok() ? *cursor == input : token.size() > 1024);
  Require(!OpenPageToken(kKey, "ListProposals spiffe://example.org/human/bob PENDING", token).ok());
  Require(!OpenPageToken("another key, another key, anothe", kList, token).ok());
}

// What a token is bound to and its cursor are two things, wherever the border between them is.
void AsBorder(std::string_view input) {
  const size_t border = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % input.size();
  const std::string token = SealPageToken(kKey, input.substr(0, border), input.substr(border));
  for (size_t other = 0; other <= std::min<size_t>(input.size(), 64); ++other) {
    if (other != border) Require(!OpenPageToken(kKey, input.substr(0, other), token).ok());
  }
}

// A good token with the input's bytes written over it: only the token itself opens.
void AsChangesOfAToken(std::string_view input) {
  const std::string good = SealPageToken(kKey, kList, "1763000000000000|proposals/abcdefghijklmnopqrstuvwx");
  std::string token = good;
  for (size_t i = 0; i + 1 < input.size(); i += 2) {
    token[static_cast<unsigned char>(input[i]) % token.size()] = input[i + 1];
  }
  Require(OpenPageToken(kKey, kList, token).ok() == (token == good));
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::fuzz;  // NOLINT(google-build-using-namespace): the entry point must be outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
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
  }
  return 0;
}
