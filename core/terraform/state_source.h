// The bytes of a state for a parser that takes them one by one. Included by this folder's sources only.
#ifndef COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_
#define COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "absl/status/status.h"
#include "core/terraform/limits.h"
#include "core/terraform/state_file.h"

namespace countersign::terraform {

// The input byte by byte, in whatever pieces it comes, without all blanks between two tokens but the first.
// Borrows what it is given. Not thread-safe.
class StateSource {
 public:
  StateSource(const NextChunk& next_chunk, const Limits& limits, std::string_view place)
      : next_chunk_(next_chunk), limits_(limits), place_(place) {}

  // True at the end and after an error.
  bool AtEnd() {
    if (in_blanks_) SkipBlanks();
    while (chunk_.empty()) {
      if (ended_ || !Fetch()) return true;
      if (in_blanks_) SkipBlanks();
    }
    return false;
  }
  // Only when not AtEnd().
  char Front() const { return chunk_.front(); }
  void Pop() {
    const char byte = chunk_.front();
    ++position_;
    // The parser takes a zero byte for the end and looks at nothing behind it.
    if (byte == '\0') return Fail("holds a zero byte");
    chunk_.remove_prefix(1);
    if (in_text_) {
      in_text_ = escaped_ || byte != '"';
      escaped_ = !escaped_ && byte == '\\';
    } else {
      in_text_ = byte == '"';
      in_blanks_ = IsBlank(byte);
    }
  }

  // To be called after each token. False, and an error, when it ends more than `limits.json_gap_bytes` after
  // the one before; the same for the same input whatever the pieces.
  bool EndGap();

  // How many bytes have been taken.
  uint64_t position() const { return position_; }
  // Why the end came too early: PLAN_UNREADABLE, or the error of the source.
  const absl::Status& status() const { return status_; }

 private:
  static bool IsBlank(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }
  // Most of a state is indentation, of which one blank tells the parser as much as a thousand.
  void SkipBlanks();
  bool Fetch();
  bool CheckGap();
  void Fail(std::string_view what);

  const NextChunk& next_chunk_;
  const Limits& limits_;
  const std::string_view place_;
  std::string_view chunk_;
  uint64_t position_ = 0;
  uint64_t gap_start_ = 0;
  bool ended_ = false;
  bool in_text_ = false;
  bool escaped_ = false;
  bool in_blanks_ = false;  // A blank between two tokens has been taken.
  absl::Status status_;
};

// An input iterator over a StateSource; over none, the end of any.
class StateBytes {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  explicit StateBytes(StateSource* source) : source_(source) {}
  char operator*() const { return source_->Front(); }
  StateBytes& operator++() {
    source_->Pop();
    return *this;
  }
  friend bool operator==(const StateBytes& left, const StateBytes& right) {
    return left.AtEnd() == right.AtEnd();
  }

 private:
  bool AtEnd() const { return source_ == nullptr || source_->AtEnd(); }

  StateSource* source_;
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_STATE_SOURCE_H_
