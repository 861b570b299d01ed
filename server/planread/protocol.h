// What the broker and countersign-planread say to each other. Included by this folder's sources only.
//
// In: kSaltSize bytes of salt; the size of a table in kTableSizeDigits decimal digits, and the table: lines,
// each a sensitive attribute of a type, as TYPE.ATTRIBUTE; then the plan, then the end. Out: with exit status
// kRead a serialized PlanView, with kRefused one sentence on why not. Every other end is a death.
#ifndef COUNTERSIGN_SERVER_PLANREAD_PROTOCOL_H_
#define COUNTERSIGN_SERVER_PLANREAD_PROTOCOL_H_

#include <cstddef>

namespace countersign::planread {

inline constexpr size_t kSaltSize = 32;
inline constexpr size_t kTableSizeDigits = 8;
inline constexpr size_t kMaxTableBytes = 1u << 20;
inline constexpr int kRead = 0;
inline constexpr int kRefused = 3;
// The process could not give up its powers, so it read nothing.
inline constexpr int kNotConfined = 4;

inline constexpr size_t kMaxViewBytes = 64u << 20;
inline constexpr size_t kMaxRefusalBytes = 2048;

}  // namespace countersign::planread

#endif  // COUNTERSIGN_SERVER_PLANREAD_PROTOCOL_H_
