// The verbs of countersignd but `dev`. Each returns the process's exit code: 0 done, 1 error, 2 what was
// asked or configured is wrong.
#ifndef COUNTERSIGN_SERVER_APP_COMMANDS_H_
#define COUNTERSIGN_SERVER_APP_COMMANDS_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/config.h"
#include "server/app/log.h"
#include "server/app/signals.h"

namespace countersign::app {

struct ServeOptions {
  bool check = false;
  bool print_config = false;
};
int Serve(const ConfigSources& sources, const ServeOptions& options);

struct MigrateOptions {
  bool check = false;
};
int Migrate(const ConfigSources& sources, const MigrateOptions& options);

int Healthcheck(const ConfigSources& sources);

// Brings the schema up to date as the role of `url`, waiting up to `patience` for the database.
absl::Status MigrateDatabase(const std::string& url, absl::Duration patience, Signals* signals,
                             const std::function<void(std::string_view)>& progress);

// "countersignd: " and what went wrong, to standard error; returns the exit code that fits.
int Fail(const absl::Status& status);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_COMMANDS_H_
