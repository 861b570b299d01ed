#include "server/app/commands.h"

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error/error.h"
#include "server/app/server.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/http/probe.h"
#include "server/postgres/backoff.h"
#include "server/postgres/connection.h"
#include "server/postgres/dsn.h"
#include "server/postgres/migrate.h"

namespace countersign::app {

namespace {

constexpr absl::Duration kStepDeadline = absl::Hours(1);

void Say(std::string_view text) {
  std::fprintf(stdout, "%.*s\n", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

absl::StatusOr<postgres::Connection> ConnectPatiently(const std::string& url, absl::Duration patience,
                                                      Signals* signals,
                                                      const std::function<void(std::string_view)>& progress) {
  const base::SystemClock clock;
  base::SystemRandom random;
  postgres::Backoff backoff({.first = absl::Milliseconds(100), .cap = absl::Seconds(2)}, &random);
  postgres::ConnectOptions options;
  options.dsn = url;
  options.application_name = "countersignd migrate";
  options.statement_timeout = absl::ZeroDuration();
  options.log = progress;
  const absl::Time give_up = clock.Now() + patience;
  for (;;) {
    auto connection = postgres::Connection::Connect(options);
    if (connection.ok() || clock.Now() >= give_up) return connection;
    if (signals->WaitForEndFor(backoff.Next())) return absl::CancelledError("asked to end while connecting");
  }
}

int ReportSchema(const postgres::SchemaState& state) {
  switch (state.kind) {
    case postgres::SchemaState::Kind::kCurrent:
      Say("The schema is up to date.");
      return 0;
    case postgres::SchemaState::Kind::kBehind:
      Say(absl::StrCat("The schema lacks ", absl::StrJoin(state.missing, ", "),
                       ". Run `countersignd migrate`."));
      return 1;
    case postgres::SchemaState::Kind::kUnknownNewer:
      Say(absl::StrCat("The schema has ", absl::StrJoin(state.unknown, ", "),
                       ", which this version does not know. Use a newer countersignd."));
      return 1;
  }
  return 1;
}

int CheckMigrations(const std::string& url, absl::Duration patience, Signals* signals) {
  auto connection = ConnectPatiently(url, patience, signals, Say);
  if (!connection.ok()) return Fail(connection.status());
  const auto state = postgres::CheckSchema(*connection, postgres::EmbeddedMigrations(),
                                           base::SystemClock().Now() + absl::Seconds(10));
  return state.ok() ? ReportSchema(*state) : Fail(state.status());
}

// An address to listen on everywhere is one to ask at home.
std::string ToAsk(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

}  // namespace

int Fail(const absl::Status& status) {
  const std::string message(status.message());
  const auto field = error::FieldOf(status);
  const bool named = field.has_value() && message.rfind(*field, 0) != 0;
  std::fprintf(stderr, "countersignd: %s%s\n", named ? (*field + ": ").c_str() : "", message.c_str());
  return error::ReasonOf(status) == v1::INVALID_FIELD ? 2 : 1;
}

int Serve(const ConfigSources& sources, const ServeOptions& options) {
  const auto config = LoadConfig(sources);
  if (!config.ok()) return Fail(config.status());
  if (options.print_config) Say(Describe(*config));
  if (options.check) {
    if (auto status = ValidateForServing(*config); !status.ok()) return Fail(status);
    if (!options.print_config) Say("The configuration is valid.");
  }
  if (options.check || options.print_config) return 0;

  Signals signals;
  const base::SystemClock clock;
  Log log(ParseLevel(config->log().level()),
          config->log().format() == "text" ? Log::Format::kText : Log::Format::kJson, &clock);
  auto server = Server::Start(*config, &log, &signals);
  if (!server.ok()) {
    if (signals.EndRequested()) return 0;
    log.Error("cannot serve", {{"why", std::string(server.status().message())}});
    return Fail(server.status());
  }
  signals.OnHangUp([&server] { (*server)->Reload(); });
  signals.WaitForEnd();
  signals.OnHangUp(nullptr);
  (*server)->Drain();
  return 0;
}

absl::Status MigrateDatabase(const std::string& url, absl::Duration patience, Signals* signals,
                             const std::function<void(std::string_view)>& progress) {
  auto connection = ConnectPatiently(url, patience, signals, progress);
  if (!connection.ok()) return connection.status();
  return postgres::Migrate(*connection, postgres::EmbeddedMigrations(), progress,
                           base::SystemClock().Now() + kStepDeadline)
      .status();
}

int Migrate(const ConfigSources& sources, const MigrateOptions& options) {
  const auto config = LoadConfig(sources);
  if (!config.ok()) return Fail(config.status());
  const auto url = DatabaseUrl(*config);
  if (!url.ok()) return Fail(url.status());
  const absl::Duration patience = ToDuration(config->database().start_patience());
  Signals signals;
  if (options.check) return CheckMigrations(*url, patience, &signals);
  Say(absl::StrCat("Migrating ", postgres::Redacted(*url)));
  if (auto status = MigrateDatabase(*url, patience, &signals, Say); !status.ok()) return Fail(status);
  Say("The schema is up to date.");
  return 0;
}

int Healthcheck(const ConfigSources& sources) {
  const auto config = LoadConfig(sources);
  if (!config.ok()) return Fail(config.status());
  const auto address = ParseAddress(config->http().listen_address(), "http.listen_address");
  if (!address.ok()) return Fail(address.status());
  const auto answer = http::ProbeReadiness({.host = ToAsk(address->first),
                                            .port = address->second,
                                            .tls = !config->http().certificate_file().empty()});
  if (!answer.ok()) return Fail(answer.status());
  Say(answer->body);
  return answer->ready ? 0 : 1;
}

}  // namespace countersign::app
