// What a plan does to one resource or output, as rows of a card.
#ifndef COUNTERSIGN_CLIENT_CLI_RESOURCE_ROWS_H_
#define COUNTERSIGN_CLIENT_CLI_RESOURCE_ROWS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>

#include "client/cli/card_rows.h"
#include "client/cli/session.h"
#include "countersign/v1/plan.pb.h"

namespace countersign::cli {

// In the order in which they are shown: what cannot be taken back first, and before it what this version does
// not know.
enum class Effect { kUnknown, kDelete, kReplace, kForget, kUpdate, kCreate, kImport, kMove, kRead, kNothing };

Effect EffectOf(const v1::ResourceChange& change);
// "DELETE".
std::string_view EffectLabel(Effect effect);
Tone EffectTone(Effect effect);

// Its address, by which its owner knows it, why it is replaced, and its attributes: a few or all.
Lines ResourceRows(const Session& session, const v1::ResourceChange& change, std::string_view label,
                   Detail detail);
Lines OutputRows(const Session& session, const v1::OutputChange& change, Detail detail);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_RESOURCE_ROWS_H_
