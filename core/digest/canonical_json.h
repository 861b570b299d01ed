// JSON with exactly one spelling per value, so that two programs that mean the same hash the same bytes.
#ifndef COUNTERSIGN_CORE_DIGEST_CANONICAL_JSON_H_
#define COUNTERSIGN_CORE_DIGEST_CANONICAL_JSON_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace countersign::digest {

// The magnitude that integers stay within, 2^53 - 1: beyond it, languages with doubles round.
inline constexpr int64_t kMaxCanonicalInteger = (int64_t{1} << 53) - 1;
inline constexpr size_t kMaxCanonicalDepth = 32;

// A JSON value that writes itself as RFC 8785 says: no white space, members sorted by the UTF-16 code units
// of their names, the shortest escapes. Restricted to strings, booleans, integers, arrays and objects; null
// and fractions do not exist here. A plain value: const use from many threads is safe. Nothing is checked
// before Write().
//
//   CanonicalJson::Object({{"kind", CanonicalJson::String("command")}, {"size", CanonicalJson::Integer(3)}})
//   writes {"kind":"command","size":3}
class CanonicalJson {
 public:
  struct Member;

  static CanonicalJson String(std::string_view text);
  static CanonicalJson Boolean(bool value);
  static CanonicalJson Integer(int64_t value);
  static CanonicalJson Array();
  static CanonicalJson Object();
  static CanonicalJson Object(std::initializer_list<Member> members);
  // An array of the strings in `texts`, any range of what converts to std::string_view.
  template <typename Range>
  static CanonicalJson Strings(const Range& texts);

  // Only on what Array() and Strings() made.
  void Append(CanonicalJson element);
  // Only on what Object() made. A name that is set twice makes Write() fail.
  void Set(std::string_view name, CanonicalJson value);

  // INVALID_FIELD when a string or a name is not valid UTF-8, an integer is out of range, a name appears
  // twice in one object, or values are nested deeper than kMaxCanonicalDepth.
  absl::StatusOr<std::string> Write() const;

 private:
  using Elements = std::vector<CanonicalJson>;
  using Members = std::vector<Member>;
  using Value = std::variant<std::string, bool, int64_t, Elements, Members>;

  explicit CanonicalJson(Value value);
  absl::Status WriteTo(size_t depth, std::string* out) const;
  static absl::Status WriteElements(const Elements& elements, size_t depth, std::string* out);
  static absl::Status WriteMembers(const Members& members, size_t depth, std::string* out);

  Value value_;
};

struct CanonicalJson::Member {
  std::string name;
  CanonicalJson value;
};

template <typename Range>
CanonicalJson CanonicalJson::Strings(const Range& texts) {
  CanonicalJson array = Array();
  for (const auto& text : texts) array.Append(String(text));
  return array;
}

}  // namespace countersign::digest

#endif  // COUNTERSIGN_CORE_DIGEST_CANONICAL_JSON_H_
