#include <limits>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/postgres/connection.h"

namespace countersign::postgres {
namespace {

// Object ids of built-in types; they never change. Results come in binary, so a cell means nothing without.
constexpr Oid kBoolOid = 16;
constexpr Oid kByteaOid = 17;
constexpr Oid kNameOid = 19;
constexpr Oid kInt8Oid = 20;
constexpr Oid kInt2Oid = 21;
constexpr Oid kInt4Oid = 23;
constexpr Oid kTextOid = 25;
constexpr Oid kJsonOid = 114;
constexpr Oid kUnknownOid = 705;
constexpr Oid kTextArrayOid = 1009;
constexpr Oid kBpcharOid = 1042;
constexpr Oid kVarcharOid = 1043;
constexpr Oid kTimestamptzOid = 1184;
constexpr Oid kFirstUserOid = 16384;  // Enums of ours, whose binary form is their text.

bool IsText(Oid type) {
  return type == kTextOid || type == kVarcharOid || type == kBpcharOid || type == kNameOid ||
         type == kJsonOid || type == kUnknownOid || type >= kFirstUserOid;
}

// Network byte order, as the wire has it.
template <typename Integer>
Integer BigEndian(std::string_view bytes) {
  std::make_unsigned_t<Integer> value = 0;
  for (const char c : bytes.substr(0, sizeof(Integer))) {
    value = static_cast<std::make_unsigned_t<Integer>>(value << 8 | static_cast<unsigned char>(c));
  }
  return static_cast<Integer>(value);
}

// Takes the next four bytes off `bytes`; nothing if there are fewer.
std::optional<int32_t> TakeInt32(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const auto value = BigEndian<int32_t>(bytes);
  bytes.remove_prefix(4);
  return value;
}

// The wire's array: dimensions, has-null flag, element type, then length and lower bound of each dimension,
// then each element with its length before it.
std::optional<std::vector<std::string>> DecodeTextArray(std::string_view bytes) {
  const auto dimensions = TakeInt32(bytes);
  const auto has_null = TakeInt32(bytes);
  const auto type = TakeInt32(bytes);
  if (!type.has_value() || *has_null != 0 || !IsText(static_cast<Oid>(*type))) return std::nullopt;
  std::vector<std::string> values;
  if (*dimensions == 0) return values;
  const auto count = TakeInt32(bytes);
  const auto lower_bound = TakeInt32(bytes);
  if (*dimensions != 1 || !lower_bound.has_value() || *count < 0) return std::nullopt;
  for (int32_t i = 0; i < *count; ++i) {
    const auto length = TakeInt32(bytes);
    if (!length.has_value() || *length < 0 || static_cast<size_t>(*length) > bytes.size())
      return std::nullopt;
    values.emplace_back(bytes.substr(0, *length));
    bytes.remove_prefix(*length);
  }
  if (!bytes.empty()) return std::nullopt;
  return values;
}

}  // namespace

Result::Result(PgResult result) : result_(std::move(result)) {}

int Result::rows() const { return PQntuples(result_.get()); }

int Result::columns() const { return PQnfields(result_.get()); }

int64_t Result::affected_rows() const {
  int64_t count = 0;
  if (result_ == nullptr || !absl::SimpleAtoi(PQcmdTuples(result_.get()), &count)) return 0;
  return count;
}

void Result::Misread(int row, int column) const {
  if (!misread_.empty()) return;
  const char* name = result_ == nullptr ? nullptr : PQfname(result_.get(), column);
  misread_ = absl::StrCat("row ", row, ", column ", column, " (", name == nullptr ? "none" : name, ")");
}

std::optional<std::string_view> Result::Cell(int row, int column) const {
  if (row < 0 || row >= rows() || column < 0 || column >= columns() ||
      PQgetisnull(result_.get(), row, column) != 0) {
    Misread(row, column);
    return std::nullopt;
  }
  return std::string_view(PQgetvalue(result_.get(), row, column),
                          static_cast<size_t>(PQgetlength(result_.get(), row, column)));
}

bool Result::IsNull(int row, int column) const {
  if (row < 0 || row >= rows() || column < 0 || column >= columns()) {
    Misread(row, column);
    return true;
  }
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view Result::Text(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return {};
  if (IsText(PQftype(result_.get(), column))) return *cell;
  Misread(row, column);
  return {};
}

std::string_view Result::Bytes(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return {};
  if (PQftype(result_.get(), column) == kByteaOid) return *cell;
  Misread(row, column);
  return {};
}

int64_t Result::Int64(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return 0;
  const Oid type = PQftype(result_.get(), column);
  if (type == kInt8Oid && cell->size() == 8) return BigEndian<int64_t>(*cell);
  if (type == kInt4Oid && cell->size() == 4) return BigEndian<int32_t>(*cell);
  if (type == kInt2Oid && cell->size() == 2) return BigEndian<int16_t>(*cell);
  Misread(row, column);
  return 0;
}

bool Result::Bool(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return false;
  if (PQftype(result_.get(), column) == kBoolOid && cell->size() == 1) return cell->front() != 0;
  Misread(row, column);
  return false;
}

absl::Time Result::Time(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return absl::UnixEpoch();
  const Oid type = PQftype(result_.get(), column);
  if ((type != kTimestamptzOid && type != kInt8Oid) || cell->size() != 8) {
    Misread(row, column);
    return absl::UnixEpoch();
  }
  const auto microseconds = BigEndian<int64_t>(*cell);
  if (type == kInt8Oid) return absl::FromUnixMicros(microseconds);
  if (microseconds == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  if (microseconds == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  constexpr int64_t kSecondsTo2000 = 946684800;  // PostgreSQL counts from 2000-01-01T00:00:00Z.
  return absl::FromUnixSeconds(kSecondsTo2000) + absl::Microseconds(microseconds);
}

std::vector<std::string> Result::TextArray(int row, int column) const {
  const auto cell = Cell(row, column);
  if (!cell.has_value()) return {};
  if (PQftype(result_.get(), column) == kTextArrayOid) {
    auto values = DecodeTextArray(*cell);
    if (values.has_value()) return *std::move(values);
  }
  Misread(row, column);
  return {};
}

std::optional<std::string> Result::OptionalText(int row, int column) const {
  if (IsNull(row, column)) return std::nullopt;
  return std::string(Text(row, column));
}

std::optional<int64_t> Result::OptionalInt64(int row, int column) const {
  if (IsNull(row, column)) return std::nullopt;
  return Int64(row, column);
}

std::optional<absl::Time> Result::OptionalTime(int row, int column) const {
  if (IsNull(row, column)) return std::nullopt;
  return Time(row, column);
}

absl::Status Result::status() const {
  if (misread_.empty()) return absl::OkStatus();
  return error::Make(v1::DATA_CORRUPTED, absl::StrCat("the database holds what cannot be read: ", misread_));
}

}  // namespace countersign::postgres
