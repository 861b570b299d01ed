// Which characters a text may hold that people read.
#ifndef COUNTERSIGN_SERVER_PROPOSAL_CHARACTERS_H_
#define COUNTERSIGN_SERVER_PROPOSAL_CHARACTERS_H_

#include <string_view>

#include "absl/status/status.h"

namespace countersign::proposal {

// INVALID_FIELD, naming `field` and the character, for control characters other than newline and tab (U+0000
// to U+001F, U+007F to U+009F), and for the marks that change the direction of text (U+061C, U+200E, U+200F,
// U+202A to U+202E, U+2066 to U+2069): both can make a reader see something else than what is there. `text`
// is UTF-8. Pure.
absl::Status CheckCharacters(std::string_view text, std::string_view field);

}  // namespace countersign::proposal

#endif  // COUNTERSIGN_SERVER_PROPOSAL_CHARACTERS_H_
