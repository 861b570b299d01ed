#include "tests/support/terraform.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "tests/support/fatal.h"
#include "tests/support/subprocess.h"

namespace countersign::testing {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(2);

// Where terraform looks for providers instead of in a registry; one for all workspaces of this process.
const std::filesystem::path& ProviderMirror() {
  static const TemporaryDirectory* const root = [] {
    // Not owned by any workspace, and removed all the same.
    static const TemporaryDirectory directory;
    const std::filesystem::path package =
        directory.path() / "registry.terraform.io/hashicorp/aws/5.99.0/linux_amd64";
    const std::filesystem::path built =
        std::filesystem::path(COUNTERSIGN_BIN_DIRECTORY) / "terraform-provider-aws";
    std::error_code failed;
    std::filesystem::create_directories(package, failed);
    std::filesystem::copy_file(built, package / "terraform-provider-aws_v5.99.0_x5", failed);
    if (failed) Fatal(absl::StrCat("cannot install ", built.string(), ": ", failed.message()));
    return &directory;
  }();
  return root->path();
}

// Terraform reads TF_… and the cloud's own names; only what a test says may decide what it does.
std::map<std::string, std::string> CleanEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::pair<std::string, std::string> variable = absl::StrSplit(*entry, absl::MaxSplits('=', 1));
    if (absl::StartsWith(variable.first, "TF_") || absl::StartsWith(variable.first, "AWS_")) continue;
    if (absl::StartsWith(variable.first, "PG")) continue;
    environment.insert(variable);
  }
  return environment;
}

}  // namespace

std::optional<std::string> FindTerraform() {
  const char* const path = std::getenv("PATH");
  for (const absl::string_view directory : absl::StrSplit(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string candidate = absl::StrCat(directory, "/terraform");
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

TerraformWorkspace::TerraformWorkspace(TerraformWorkspaceOptions options)
    : options_(std::move(options)), path_(root_.path() / "work") {
  const std::optional<std::string> program = FindTerraform();
  if (!program.has_value()) Fatal(kNoTerraform);
  program_ = *program;
  std::filesystem::create_directory(path_);
  std::filesystem::create_directory(rows());
  root_.Write("terraformrc", absl::StrCat("provider_installation {\n  filesystem_mirror {\n    path = \"",
                                          ProviderMirror().string(), "\"\n  }\n}\n"));
}

void TerraformWorkspace::WriteFile(const std::string& name, std::string_view content) const {
  const std::filesystem::path file = path_ / name;
  std::error_code failed;
  std::filesystem::create_directories(file.parent_path(), failed);
  std::ofstream stream(file, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) FatalErrno(absl::StrCat("cannot write ", file.string()));
}

void TerraformWorkspace::RemoveFile(const std::string& name) const {
  std::error_code failed;
  if (!std::filesystem::remove(path_ / name, failed)) Fatal(absl::StrCat("cannot remove ", name));
}

std::string TerraformWorkspace::ReadFile(const std::string& name) const {
  return testing::ReadFile(path_ / name);
}

SubprocessOptions TerraformWorkspace::Command(std::vector<std::string> arguments,
                                              const std::map<std::string, std::string>& environment) const {
  std::map<std::string, std::string> all = CleanEnvironment();
  const std::map<std::string, std::string> needed = {
      {"TF_CLI_CONFIG_FILE", root_ / "terraformrc"},
      {"CHECKPOINT_DISABLE", "1"},
      {"TF_DISABLE_PLUGIN_TLS", "1"},
      {"TF_IN_AUTOMATION", "1"},
      {"TF_CLI_ARGS", "-no-color"},
      {"AWS_DATA_DIRECTORY", rows()},
      {"AWS_BACKUPS_DIRECTORY", backups()},
      {"AWS_ENDPOINT_URL", options_.endpoint},
  };
  for (const auto* const more : {&needed, &options_.environment, &environment}) {
    for (const auto& [name, value] : *more) all[name] = value;
  }
  arguments.insert(arguments.begin(), program_);
  return {.argv = std::move(arguments),
          .environment = std::move(all),
          .inherit_environment = false,
          .directory = path_};
}

TerraformResult TerraformWorkspace::Run(std::vector<std::string> arguments,
                                        const std::map<std::string, std::string>& environment) const {
  const Completed done = RunToEnd(Command(std::move(arguments), environment), kTimeout);
  return {.exit_code = done.exit.exited ? done.exit.code : 128 + done.exit.signal,
          .out = done.out,
          .err = done.err};
}

TerraformResult TerraformWorkspace::Plan(const std::string& file, std::vector<std::string> arguments) const {
  std::vector<std::string> all = {"plan", "-input=false", "-out=" + file};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return Run(std::move(all));
}

TerraformResult TerraformWorkspace::Apply(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"apply", "-input=false"});
  return Run(std::move(arguments));
}

}  // namespace countersign::testing
