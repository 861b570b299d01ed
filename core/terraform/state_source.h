// The bytes of a state for RapidJSON. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_
#define COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_

#include <rapidjson/rapidjson.h>
#include <rapidjson/reader.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"
#include "core/terraform/limits.h"
#include "core/terraform/state_file.h"

namespace countersign::terraform {

// An input stream as RapidJSON asks for, over pieces of any size. Borrows what it is given. Not thread-safe.
class StateSource {
 public:
  using Ch = char;

  StateSource(const NextChunk& next_chunk, const Limits& limits, std::string_view place)
      : next_chunk_(next_chunk), limits_(limits), place_(place) {}

  // A zero byte is RapidJSON's sign for the end: it stands there, and after an error, and only there.
  char Peek() {
    if (at_ == end_ && !Fetch()) return '\0';
    if (*at_ == '\0') Fail("holds a zero byte");
    return at_ == end_ ? '\0' : *at_;
  }
  // What Peek() has shown.
  char Take() { return at_ == end_ ? '\0' : *at_++; }
  size_t Tell() const { return static_cast<size_t>(position()); }
  // Most of a state is indentation.
  void SkipBlanks() {
    do {
      while (at_ != end_ && IsBlank(*at_)) ++at_;
    } while (at_ == end_ && Fetch());
  }

  // What streams have that are written to; this one never is.
  char* PutBegin() { std::abort(); }
  void Put(char /*byte*/) { std::abort(); }
  void Flush() { std::abort(); }
  size_t PutEnd(char* /*begin*/) { std::abort(); }

  // To be called after each token. False, and an error, when it ends more than `limits.json_gap_bytes` after
  // the one before; the same for the same input whatever the pieces.
  bool EndGap();

  // How many bytes have been taken.
  uint64_t position() const { return passed_ - static_cast<uint64_t>(end_ - at_); }
  // Why the end came too early: PLAN_UNREADABLE, or the error of the source.
  const absl::Status& status() const { return status_; }

 private:
  static bool IsBlank(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
  // False at the end and after an error.
  bool Fetch();
  bool CheckGap();
  void Fail(std::string_view what);

  const NextChunk& next_chunk_;
  const Limits& limits_;
  const std::string_view place_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint64_t passed_ = 0;  // All bytes up to `end_`.
  uint64_t gap_start_ = 0;
  bool ended_ = false;
  absl::Status status_;
};

}  // namespace countersign::terraform

namespace rapidjson {

template <>
inline void SkipWhitespace(countersign::terraform::StateSource& source) {
  source.SkipBlanks();
}

}  // namespace rapidjson

#endif  // COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_
