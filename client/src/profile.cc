#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "absl/strings/str_join.h"
#include "core/text/text.h"
#include "countersign/connect.h"

namespace countersign {
namespace {

// One setting: its key in the file, its variable, and where it goes.
struct Setting {
  const char* key;
  const char* variable;
  bool is_path;
  std::string& (*field)(Profile&);
};

constexpr Setting kSettings[] = {
    {"server", "COUNTERSIGN_SERVER", false, [](Profile& p) -> std::string& { return p.connect.server; }},
    {"server_name", "COUNTERSIGN_SERVER_NAME", false,
     [](Profile& p) -> std::string& { return p.connect.server_name; }},
    {"ca_file", "COUNTERSIGN_CA_FILE", true, [](Profile& p) -> std::string& { return p.connect.ca_file; }},
    {"certificate_file", "COUNTERSIGN_CERTIFICATE_FILE", true,
     [](Profile& p) -> std::string& { return p.connect.certificate_file; }},
    {"key_file", "COUNTERSIGN_KEY_FILE", true, [](Profile& p) -> std::string& { return p.connect.key_file; }},
    {"jwks_file", "COUNTERSIGN_JWKS_FILE", true, [](Profile& p) -> std::string& { return p.jwks_file; }},
    {"issuer", "COUNTERSIGN_ISSUER", false, [](Profile& p) -> std::string& { return p.issuer; }},
    {"audience", "COUNTERSIGN_AUDIENCE", false, [](Profile& p) -> std::string& { return p.audience; }},
};

// Reads environment variables; unset and empty are the same.
class Variables {
 public:
  explicit Variables(const ProfileSource& source) : read_(source.environment) {}
  std::string operator()(const char* name) const {
    const char* value = read_ ? read_(name) : std::getenv(name);
    return value == nullptr ? "" : value;
  }

 private:
  std::function<const char*(const char*)> read_;
};

std::string DefaultConfigFile(const Variables& variable) {
  if (const std::string base = variable("XDG_CONFIG_HOME"); !base.empty()) {
    return text::Concat(base, "/countersign/config.yaml");
  }
  const std::string home = variable("HOME");
  return home.empty() ? "" : text::Concat(home, "/.config/countersign/config.yaml");
}

absl::Status Malformed(const std::string& file, std::string_view what) {
  return absl::InvalidArgumentError(text::Concat(file, ": ", what));
}

absl::Status TakeSettings(const std::string& file, const YAML::Node& node, Profile& profile) {
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  if (!node.IsMap()) return Malformed(file, text::Concat("profile ", profile.name, " is not a map"));
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    const Setting* known = nullptr;
    for (const Setting& setting : kSettings) {
      if (key == setting.key) known = &setting;
    }
    if (known == nullptr) {
      return Malformed(file,
                       text::Concat("unknown key ", key, "; known are ",
                                    absl::StrJoin(kSettings, ", ", [](std::string* out, const Setting& s) {
                                      absl::StrAppend(out, s.key);
                                    })));
    }
    const std::string value = entry.second.as<std::string>();
    known->field(profile) = known->is_path && !value.empty() ? (directory / value).string() : value;
  }
  return absl::OkStatus();
}

absl::Status ReadProfile(const std::string& file, bool must_have_profile, Profile& profile) {
  const YAML::Node root = YAML::LoadFile(file);
  if (root.IsNull() && !must_have_profile) return absl::OkStatus();
  if (!root.IsMap()) return Malformed(file, "is not a map with the key profiles");
  for (const auto& entry : root) {
    if (entry.first.as<std::string>() != "profiles") {
      return Malformed(file,
                       text::Concat("unknown key ", entry.first.as<std::string>(), "; known is profiles"));
    }
  }
  const YAML::Node profiles = root["profiles"];
  const YAML::Node node = profiles.IsDefined() && profiles.IsMap() ? profiles[profile.name] : YAML::Node();
  if (node.IsDefined() && !node.IsNull()) return TakeSettings(file, node, profile);
  if (!must_have_profile) return absl::OkStatus();
  return absl::NotFoundError(text::Concat(file, " has no profile ", profile.name));
}

}  // namespace

absl::StatusOr<Profile> LoadProfile(const ProfileSource& source) {
  const Variables variable(source);
  std::string file = source.config_file.empty() ? variable("COUNTERSIGN_CONFIG") : source.config_file;
  const bool file_was_named = !file.empty();
  if (!file_was_named) file = DefaultConfigFile(variable);
  Profile profile;
  profile.name = source.name.empty() ? variable("COUNTERSIGN_PROFILE") : source.name;
  const bool profile_was_named = !profile.name.empty();
  if (!profile_was_named) profile.name = "default";

  std::error_code ignored;
  if (!file.empty() && std::filesystem::exists(file, ignored)) {
    try {
      if (const auto status = ReadProfile(file, profile_was_named, profile); !status.ok()) return status;
    } catch (const YAML::Exception& problem) {
      return Malformed(file, problem.what());
    }
  } else if (file_was_named || profile_was_named) {
    return absl::NotFoundError(text::Concat("there is no configuration file ", file));
  }
  for (const Setting& setting : kSettings) {
    if (const std::string value = variable(setting.variable); !value.empty()) setting.field(profile) = value;
  }
  return profile;
}

}  // namespace countersign
