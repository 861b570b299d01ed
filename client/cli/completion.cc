#include "client/cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

struct Option {
  std::string name;  // --long, else -s
  std::string description;
  bool takes_value;
  bool takes_file;
};

std::vector<Option> OptionsOf(const CLI::App& app) {
  std::vector<Option> options;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional()) continue;
    const std::string name = option->get_lnames().empty() ? "-" + option->get_snames().front()
                                                          : "--" + option->get_lnames().front();
    const std::string type = option->get_type_name();
    options.push_back(
        {name, option->get_description(), option->get_type_size() > 0, type.rfind("FILE", 0) == 0});
  }
  return options;
}

void AddMissing(std::vector<Option> more, std::vector<Option>* options) {
  for (Option& option : more) {
    const bool there = std::any_of(options->begin(), options->end(),
                                   [&option](const Option& other) { return other.name == option.name; });
    if (!there) options->push_back(std::move(option));
  }
}

// Those of a verb of two words are those of all its second words.
std::vector<Option> OptionsOfVerb(const CLI::App& verb) {
  auto options = OptionsOf(verb);
  for (const CLI::App* second : verb.get_subcommands({})) AddMissing(OptionsOf(*second), &options);
  return options;
}

std::vector<Option> AllOptions(const CLI::App& app, const CLI::App& verb) {
  auto options = OptionsOfVerb(verb);
  AddMissing(OptionsOf(app), &options);
  return options;
}

std::string Names(const std::vector<Option>& options) {
  return absl::StrJoin(options, " ", [](std::string* out, const Option& option) { *out += option.name; });
}

// "submit|list|…"
std::string VerbNames(const CLI::App& app, const char* separator) {
  return absl::StrJoin(app.get_subcommands({}), separator,
                       [](std::string* out, const CLI::App* verb) { *out += verb->get_name(); });
}

// For a zsh description inside single quotes and brackets.
std::string ZshText(const std::string& text) {
  return absl::StrReplaceAll(text, {{"'", "'\\''"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}, {"\n", " "}});
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string verbs;
  std::string cases;
  for (const CLI::App* verb : app.get_subcommands({})) {
    verbs += text::Concat(verbs.empty() ? "" : " ", verb->get_name());
    std::string words = Names(AllOptions(app, *verb));
    if (!verb->get_subcommands({}).empty()) words += " " + VerbNames(*verb, " ");
    cases += text::Concat("    ", verb->get_name(), ") words='", words, "' ;;\n");
  }
  std::string files;
  for (const CLI::App* verb : app.get_subcommands({})) {
    for (const Option& option : OptionsOfVerb(*verb)) {
      if (option.takes_file) files += text::Concat(files.empty() ? "" : "|", option.name);
    }
  }
  return text::Concat(
      "# bash completion for countersign; load it with: source <(countersign completion bash)\n",
      "_countersign() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= word words\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$word\" in\n"
      "    --) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n    ",
      VerbNames(app, "|"), ") [ -n \"$verb\" ] || verb=$word ;;\n    esac\n  done\n",
      "  case \"$previous\" in\n    --config|", files,
      ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
      "    --output|-o)\n      words='text json'; [ \"$verb\" != analyze ] || words='text json sarif'\n"
      "      COMPREPLY=($(compgen -W \"$words\" -- \"$current\")); return ;;\n"
      "    --fail-on) COMPREPLY=($(compgen -W 'info warning high critical' -- \"$current\")); return ;;\n"
      "    --outcome) COMPREPLY=($(compgen -W 'succeeded failed' -- \"$current\")); return ;;\n  esac\n",
      "  case \"$verb\" in\n", cases, "    *) words='", verbs, " ", Names(OptionsOf(app)),
      "' ;;\n  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  [ \"$verb\" != analyze ] || COMPREPLY+=($(compgen -f -- \"$current\"))\n"
      "}\ncomplete -F _countersign countersign\n");
}

std::string ZshCompletion(const CLI::App& app) {
  std::string verbs;
  std::string cases;
  for (const CLI::App* verb : app.get_subcommands({})) {
    verbs += text::Concat("    '", verb->get_name(), ":", ZshText(verb->get_description()), "'\n");
    cases += text::Concat("    ", verb->get_name(), ")\n      _arguments");
    for (const Option& option : AllOptions(app, *verb)) {
      cases += text::Concat(" \\\n        '", option.name, "[", ZshText(option.description), "]",
                            !option.takes_value ? ""
                            : option.takes_file ? ":file:_files"
                                                : ":value:",
                            "'");
    }
    const std::string seconds = VerbNames(*verb, " ");
    if (!seconds.empty()) cases += text::Concat(" \\\n        '2:verb:(", seconds, ")'");
    cases += text::Concat(" \\\n        '*:argument:", verb->get_name() == "analyze" ? "_files" : "",
                          "'\n      ;;\n");
  }
  return text::Concat(
      "#compdef countersign\n",
      "# zsh completion for countersign; load it with: source <(countersign completion zsh)\n",
      "_countersign() {\n  local -a verbs\n  verbs=(\n", verbs, "  )\n", "  local verb=${words[(r)(",
      VerbNames(app, "|"), ")]}\n  case \"$verb\" in\n", cases,
      "    *) _describe verb verbs ;;\n  esac\n}\n"
      "compdef _countersign countersign\n");
}

}  // namespace countersign::cli
