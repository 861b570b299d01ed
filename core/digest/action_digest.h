// The action digest: what humans approve and tokens are bound to.
//
// It is the SHA-256 of these bytes, written as "sha256:" and 64 lower-case hex digits:
//
//   countersign.v1.action\n                             22 bytes of ASCII: the domain, then one line feed
//   {"argv":["psql","-f","fix.sql"],                    argv, in order
//    "artifacts":[{"digest":"sha256:…","file_name":"fix.sql"}],   in order; size_bytes is not covered
//    "environment":{"PGHOST":"db"},                     an object of strings
//    "kind":"command",                                  or "terraform_plan"
//    "target":"targets/prod-courses"}                   as in the action
//
// where the JSON is written without the line breaks and indentation shown here, as RFC 8785 says. All five
// members are always there; empty lists are [] and {}. Strings are the UTF-8 of the action, neither trimmed
// nor normalised. In Python:
//
//   "sha256:" + sha256(b"countersign.v1.action\n" + json.dumps(action, sort_keys=True, separators=(",", ":"),
//                                                              ensure_ascii=False).encode()).hexdigest()
//
// (RFC 8785 sorts by UTF-16 code units; Python's order differs only where names hold characters above U+FFFF,
// which names of variables never do.)
#ifndef COUNTERSIGN_CORE_DIGEST_ACTION_DIGEST_H_
#define COUNTERSIGN_CORE_DIGEST_ACTION_DIGEST_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::digest {

// "command", "terraform_plan", or empty for what is neither.
std::string_view KindName(v1::Kind kind);

// The digest of `action`, as described above. Pure. INVALID_FIELD, naming the field, when the kind is not
// set or unknown, a string is not valid UTF-8, an artifact's digest is malformed, or there is a field that
// this program does not know; other fields are taken as they are, because validating an action is not this
// function's task.
absl::StatusOr<std::string> ActionDigest(const v1::Action& action);

// The bytes that ActionDigest() hashes, for showing how it comes about. Same errors.
absl::StatusOr<std::string> ActionDigestInput(const v1::Action& action);

}  // namespace countersign::digest

#endif  // COUNTERSIGN_CORE_DIGEST_ACTION_DIGEST_H_
