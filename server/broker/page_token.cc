#include "server/broker/page_token.h"

#include <optional>
#include <utility>

#include "core/error/error.h"
#include "server/base/sealed_cursor.h"

namespace countersign::broker {
namespace {

constexpr std::string_view kPurpose = "page";
constexpr size_t kMaxTokenBytes = 1024;

}  // namespace

std::string SealPageToken(std::string_view key, std::string_view bound_to, std::string_view cursor) {
  return base::SealCursor(key, kPurpose, bound_to, cursor);
}

absl::StatusOr<std::string> OpenPageToken(std::string_view key, std::string_view bound_to,
                                          std::string_view token) {
  std::optional<std::string> cursor = base::OpenCursor(key, kPurpose, bound_to, token, kMaxTokenBytes);
  if (cursor) return *std::move(cursor);
  return error::InvalidField("page_token", "is not one of this list; repeat the first request without it");
}

}  // namespace countersign::broker
