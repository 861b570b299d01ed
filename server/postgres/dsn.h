#ifndef COUNTERSIGN_SERVER_POSTGRES_DSN_H_
#define COUNTERSIGN_SERVER_POSTGRES_DSN_H_

#include <string>
#include <string_view>

namespace countersign::postgres {

// Whether libpq can read the connection string, in either of its forms. Pure, so thread-safe.
bool IsReadable(std::string_view dsn);

// The connection string (either of libpq's forms) as keyword=value pairs that may be logged: every secret
// option is replaced by "***". A string that libpq cannot read becomes a fixed text, since nobody can tell
// where its password is. Pure, so thread-safe.
std::string Redacted(std::string_view dsn);

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_DSN_H_
