// Values as saved plans hold them: in msgpack, as the library cty of Terraform's type system writes it.
#ifndef COUNTERSIGN_CORE_TERRAFORM_MSGPACK_H_
#define COUNTERSIGN_CORE_TERRAFORM_MSGPACK_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "core/terraform/limits.h"
#include "core/terraform/value.h"

namespace countersign::terraform {

// Decodes one value that is all of `bytes`. Texts are borrowed from `bytes`, everything else lives in
// `arena`, to whose limits it is charged before it is allocated; `limits` bounds the depth, `place` says in
// errors what is decoded.
//
// Where a value comes with its type it must be of that type, so that a number which is written as text
// becomes a number; everywhere else such a number stays a string, because only the schema tells. Not
// accepted, although Terraform would read some of it: a member that is there twice, what follows the value,
// binary data, foreign extensions, numbers that are not finite, a list of two whose first element is the text
// of a type. Errors: PLAN_UNREADABLE.
absl::StatusOr<Value> DecodeMsgpack(std::string_view bytes, ValueArena* arena, const Limits& limits,
                                    std::string_view place);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_MSGPACK_H_
