#include "core/terraform/state_source.h"

#include "core/terraform/unreadable.h"

namespace countersign::terraform {

bool StateSource::EndGap() {
  const bool passes = CheckGap();
  gap_start_ = position_;
  return passes;
}

void StateSource::SkipBlanks() {
  size_t count = 0;
  while (count < chunk_.size() && IsBlank(chunk_[count])) ++count;
  chunk_.remove_prefix(count);
  position_ += count;
  in_blanks_ = chunk_.empty();
}

bool StateSource::Fetch() {
  // A text that never ends must not be collected before anybody looks.
  if (!CheckGap()) return false;
  const auto chunk = next_chunk_();
  if (!chunk.ok()) {
    status_ = chunk.status();
    ended_ = true;
  } else if (chunk->size() > limits_.state_bytes - position_) {
    Fail("is too large");
  } else {
    chunk_ = *chunk;
    ended_ = chunk_.empty();
  }
  return !ended_;
}

bool StateSource::CheckGap() {
  if (position_ - gap_start_ <= limits_.json_gap_bytes) return true;
  Fail("has too many bytes from one token to the next");
  return false;
}

void StateSource::Fail(std::string_view what) {
  if (status_.ok()) status_ = Unreadable(place_, what);
  ended_ = true;
  chunk_ = {};
}

}  // namespace countersign::terraform
