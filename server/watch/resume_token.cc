#include "server/watch/resume_token.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "server/base/sealed_cursor.h"

namespace countersign::watch {
namespace {

constexpr std::string_view kPurpose = "watch";
constexpr size_t kMaxTokenBytes = 512;

bool ParseTime(std::string_view number, absl::Time* time) {
  int64_t microseconds = 0;
  if (!absl::SimpleAtoi(text::ToAbsl(number), &microseconds)) return false;
  *time = absl::FromUnixMicros(microseconds);
  return true;
}

}  // namespace

// time|id, and while listing also |time|id of the last one listed.
std::string EncodeResumeToken(std::string_view key, std::string_view target, const Position& position) {
  std::string content = absl::StrCat(absl::ToUnixMicros(position.time), "|", position.id);
  if (position.listing) {
    absl::StrAppend(&content, "|", position.listed ? absl::ToUnixMicros(position.listed->create_time) : 0,
                    "|", position.listed ? position.listed->id : "");
  }
  return base::SealCursor(key, kPurpose, target, content);
}

absl::StatusOr<Position> DecodeResumeToken(std::string_view key, std::string_view target,
                                           std::string_view token) {
  const absl::Status refusal = error::InvalidField(
      "resume_token", "is not one that a broker gave for this target; watch again without one");
  const std::optional<std::string> content = base::OpenCursor(key, kPurpose, target, token, kMaxTokenBytes);
  if (!content) return refusal;

  const std::vector<std::string_view> parts = text::Split(*content, '|');
  Position position;
  if ((parts.size() != 2 && parts.size() != 4) || !ParseTime(parts[0], &position.time)) return refusal;
  position.id = std::string(parts[1]);
  if (parts.size() == 4) {
    position.listing = true;
    storage::ListCursor listed;
    if (!ParseTime(parts[2], &listed.create_time)) return refusal;
    listed.id = std::string(parts[3]);
    if (!listed.id.empty()) position.listed = std::move(listed);
  }
  return position;
}

}  // namespace countersign::watch
