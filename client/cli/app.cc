#include "client/cli/app.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <utility>

#include "client/cli/exit_code.h"

namespace countersign::cli {
namespace {

constexpr char kDescription[] =
    "Countersign: agents propose, people decide, exactly what was decided runs, once.\n\n"
    "The broker and your credentials come from a profile (~/.config/countersign/config.yaml) or from\n"
    "COUNTERSIGN_SERVER, COUNTERSIGN_CA_FILE, COUNTERSIGN_CERTIFICATE_FILE and COUNTERSIGN_KEY_FILE.\n"
    "ID is a proposal's id or the beginning of it.";

constexpr char kExitCodes[] =
    "Exit codes: 0 done or approved, 1 error, 2 usage, 3 denied, 4 expired, cancelled, superseded or "
    "revoked,\n"
    "5 still pending when --timeout ran out, 6 not permitted, 7 verification failed. `exec` passes the "
    "program's\n"
    "exit code through; its own refusals are 125.";

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--profile", options.profile, "Profile to use (COUNTERSIGN_PROFILE, else default)");
  app.add_option("--config", options.config_file, "Profile file (COUNTERSIGN_CONFIG)")->type_name("FILE");
  app.add_option("-o,--output", options.output, "text for people, json for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORMAT");
}

// Everything behind the first "--" is a command of somebody else's: it never passes through the parser, which
// gives brackets and the like a meaning of their own.
std::pair<std::vector<std::string>, std::vector<std::string>> Split(
    const std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  return {{arguments.begin(), dashes}, {dashes == arguments.end() ? dashes : dashes + 1, arguments.end()}};
}

int ParseAndRun(CLI::App& app, std::vector<std::string> own, const Action& chosen, Session& session) {
  std::reverse(own.begin(), own.end());  // As CLI11 wants it.
  try {
    app.parse(own);
  } catch (const CLI::Success& help) {
    return app.exit(help, session.out(), session.err());
  } catch (const CLI::ParseError& problem) {
    session.Fail(UsageError(problem.what()));
    return app.got_subcommand("exec") ? kRefused : kUsage;  // exec's other codes are the program's.
  }
  const bool takes_command =
      app.got_subcommand("submit") || app.got_subcommand("exec") || app.got_subcommand("analyze");
  if (!session.command().empty() && !takes_command) {
    return session.Fail(UsageError("only submit, exec and analyze take a command behind --"));
  }
  const absl::StatusOr<int> code = chosen();
  if (!code.ok()) return session.Fail(code.status());
  session.EndProgress();
  return *code;
}

void Apply(const OptionRules& rules, CLI::Option* option) {
  option->required(rules.required);
  if (!rules.values.empty() && rules.any_case) option->check(CLI::IsMember(rules.values, CLI::ignore_case));
  if (!rules.values.empty() && !rules.any_case) option->check(CLI::IsMember(rules.values));
  if (*rules.type_name != '\0') option->type_name(rules.type_name);
}

}  // namespace

void Verb::Option(const std::string& name, std::string* value, const std::string& description,
                  const OptionRules& rules) const {
  Apply(rules, app_->add_option(name, *value, description));
}

void Verb::Option(const std::string& name, std::vector<std::string>* values, const std::string& description,
                  const OptionRules& rules) const {
  Apply(rules, app_->add_option(name, *values, description)->allow_extra_args(false));
}

void Verb::Option(const std::string& name, int64_t* number, const std::string& description) const {
  app_->add_option(name, *number, description);
}

void Verb::Option(const std::string& name, size_t* number, const std::string& description) const {
  app_->add_option(name, *number, description)->capture_default_str();
}

void Verb::Flag(const std::string& name, bool* flag, const std::string& description) const {
  app_->add_flag(name, *flag, description);
}

Verb Verbs::Add(const std::string& name, const std::string& description, const std::string& examples,
                Action action) {
  CLI::App* verb = app_.add_subcommand(name, description);
  verb->footer("Examples:\n" + examples);
  verb->callback([&chosen = chosen_, action = std::move(action)] { chosen = action; });
  return Verb(verb);
}

Verbs Verbs::Group(const std::string& name, const std::string& description, const std::string& examples) {
  CLI::App* group = app_.add_subcommand(name, description);
  group->footer("Examples:\n" + examples);
  group->require_subcommand(1);
  return {*group, chosen_};
}

int RunCommandLine(const std::vector<std::string>& arguments, World& world) {
  auto [own, command] = Split(arguments);
  Session session(world, std::move(command));
  CLI::App app(kDescription, "countersign");
  Action chosen;
  Verbs verbs(app, chosen);
  AddGlobalOptions(app, session.options());
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(kExitCodes);
  AddRequestVerbs(verbs, session);
  AddAnalyzeVerb(verbs, session);
  AddReadVerbs(verbs, session);
  AddDecisionVerbs(verbs, session);
  AddTokenVerbs(verbs, session);
  AddExecVerb(verbs, session);
  AddConfigVerbs(verbs, session);
  AddTargetVerbs(verbs, session);
  AddAuditVerb(verbs, session);
  AddAboutVerbs(verbs, session, app);
  return ParseAndRun(app, std::move(own), chosen, session);
}

}  // namespace countersign::cli
