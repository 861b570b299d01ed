#include "core/terraform/state_source.h"

#include "core/terraform/unreadable.h"

namespace countersign::terraform {

bool StateSource::EndGap() {
  const bool passes = CheckGap();
  gap_start_ = position();
  return passes;
}

bool StateSource::Fetch() {
  // A text that never ends must not be collected before anybody looks.
  if (ended_ || !CheckGap()) return false;
  const auto chunk = next_chunk_();
  if (!chunk.ok()) {
    status_ = chunk.status();
    ended_ = true;
  } else if (chunk->size() > limits_.state_bytes - passed_) {
    Fail("is too large");
  } else {
    at_ = chunk->data();
    end_ = at_ + chunk->size();
    passed_ += chunk->size();
    ended_ = chunk->empty();
  }
  return !ended_;
}

bool StateSource::CheckGap() {
  if (position() - gap_start_ <= limits_.json_gap_bytes) return true;
  Fail("has too many bytes from one token to the next");
  return false;
}

void StateSource::Fail(std::string_view what) {
  if (status_.ok()) status_ = Unreadable(place_, what);
  ended_ = true;
  at_ = end_;
}

}  // namespace countersign::terraform
