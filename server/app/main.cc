#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "server/app/commands.h"
#include "server/app/config.h"
#include "server/app/dev.h"
#include "server/app/version.h"

namespace {

using countersign::app::ConfigSources;
using countersign::app::DevOptions;
using countersign::app::MigrateOptions;
using countersign::app::ServeOptions;

// Everything the command line can say.
struct CommandLine {
  std::string config_file;
  std::map<std::string, std::string> flags;
  ServeOptions serve;
  MigrateOptions migrate;
  DevOptions dev;
};

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

void AddSettings(CLI::App& command, CommandLine& line) {
  command.add_option("--config,-c", line.config_file, "The configuration, a YAML file")
      ->envname("COUNTERSIGND_CONFIG")
      ->type_name("FILE");
  for (const auto& setting : countersign::app::Settings()) {
    command
        .add_option_function<std::string>(
            "--" + setting.path,
            [&line, path = setting.path](const std::string& text) { line.flags[path] = text; },
            "Also " + setting.environment)
        ->type_name("VALUE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Settings, over those of the environment, over those of the file");
  }
}

ConfigSources Sources(const CommandLine& line) {
  return {.file = line.config_file, .environment = Environment(), .flags = line.flags};
}

void AddCommands(CLI::App& app, CommandLine& line) {
  auto* serve = app.add_subcommand("serve", "Run the broker");
  AddSettings(*serve, line);
  serve->add_flag("--check", line.serve.check,
                  "Only validate the configuration and the files it names; no database");
  serve->add_flag("--print-config", line.serve.print_config,
                  "Only print the configuration in effect, without secrets");
  serve->footer(
      "Example:\n  countersignd serve --config /etc/countersign/countersignd.yaml --log.level=debug");

  auto* migrate =
      app.add_subcommand("migrate", "Bring the database's schema up to date, as the schema's owner");
  AddSettings(*migrate, line);
  migrate->add_flag("--check", line.migrate.check, "Only say whether it is: exit code 0 if so, 1 if not");
  migrate->footer(
      "Example:\n  countersignd migrate --database.url=postgresql://countersign_owner@db/countersign");

  auto* healthcheck =
      app.add_subcommand("healthcheck", "Ask the broker of this configuration whether it is ready");
  AddSettings(*healthcheck, line);

  auto* dev =
      app.add_subcommand("dev", "Run a broker to try things with: own database, certificates, identities");
  dev->add_option("--data-dir", line.dev.data_directory,
                  "Where everything is kept; another directory is another instance")
      ->type_name("DIR");
  dev->add_option("--grpc-port", line.dev.grpc_port, "Default: that of the last start, else a free one")
      ->check(CLI::Range(0, 65535));
  dev->add_option("--http-port", line.dev.http_port, "Default: that of the last start, else a free one")
      ->check(CLI::Range(0, 65535));

  app.add_subcommand("version", "Print the version");
}

int Run(const CLI::App& app, const CommandLine& line) {
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "serve") return countersign::app::Serve(Sources(line), line.serve);
  if (verb == "migrate") return countersign::app::Migrate(Sources(line), line.migrate);
  if (verb == "healthcheck") return countersign::app::Healthcheck(Sources(line));
  if (verb == "dev") return countersign::app::Dev(line.dev);
  std::printf("countersignd %s\n", countersign::app::kVersion);
  return 0;
}

// glibc keeps what is freed in an arena for each of many threads, so one large plan after the other would
// make the process larger and larger.
void ReturnMemory() {
  constexpr int kArenas = 4;
  constexpr int kLargeBytes = 256 << 10;
  (void)mallopt(M_ARENA_MAX, kArenas);
  (void)mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  (void)mallopt(M_TRIM_THRESHOLD, 4 * kLargeBytes);
}

}  // namespace

int main(int argument_count, char** arguments) {
  ReturnMemory();
  // Debian's Abseil looks for deadlocks at every lock that gRPC takes. Ours are not Abseil's.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app{"The broker of Countersign: agents propose, people decide, what was decided runs once."};
  app.require_subcommand(1);
  CommandLine line;
  AddCommands(app, line);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return Run(app, line);
}
