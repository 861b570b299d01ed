#ifndef COUNTERSIGN_TESTS_SUPPORT_TERRAFORM_H_
#define COUNTERSIGN_TESTS_SUPPORT_TERRAFORM_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/support/temporary_directory.h"

namespace countersign::testing {

// What to say with GTEST_SKIP() << where FindTerraform() finds nothing.
inline constexpr char kNoTerraform[] = "terraform is not installed";

// The path of the program terraform in PATH; nothing if there is none.
std::optional<std::string> FindTerraform();

struct TerraformResult {
  int exit_code = -1;
  std::string out;
  std::string err;
  bool ok() const { return exit_code == 0; }
};

struct TerraformWorkspaceOptions {
  // Of the PostgreSQL server whose databases aws_db_instance makes: libpq's connection string. Empty: none,
  // and database instances are rows only.
  std::string endpoint = {};
  std::map<std::string, std::string> environment = {};  // On top of what terraform needs.
};

// A directory to run the real terraform in, with our own provider hashicorp/aws 5.99.0 installed and nothing
// of this machine's Terraform settings. What the provider manages is in directories of its own beside it, so
// a test can look, and change what is there behind Terraform's back:
//
//   TerraformWorkspace terraform({.endpoint = PostgresCluster::Shared().Dsn()});
//   terraform.WriteFile("main.tf", R"(resource "aws_db_instance" "a" { … })");
//   ASSERT_TRUE(terraform.Init().ok());
//   const TerraformResult planned = terraform.Plan("tfplan");
//
// The provider needs no block in the configuration. Its rows are TYPE/ID.json, see tests/provider/rows.h.
// Ends the test process if terraform or the provider are missing: ask FindTerraform() first. Not thread-safe.
class TerraformWorkspace {
 public:
  explicit TerraformWorkspace(TerraformWorkspaceOptions options = {});

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path rows() const { return root_.path() / "rows"; }
  std::filesystem::path backups() const { return root_.path() / "backups"; }

  // Directories in `name` are made.
  void WriteFile(const std::string& name, std::string_view content) const;
  void RemoveFile(const std::string& name) const;
  std::string ReadFile(const std::string& name) const;

  // What Run() runs, for who wants it to run otherwise: for longer, or with its output elsewhere.
  SubprocessOptions Command(std::vector<std::string> arguments,
                            const std::map<std::string, std::string>& environment = {}) const;

  // terraform with these arguments, without colours and without questions (end of input at once). Ends the
  // test process after two minutes.
  TerraformResult Run(std::vector<std::string> arguments,
                      const std::map<std::string, std::string>& environment = {}) const;

  TerraformResult Init() const { return Run({"init", "-input=false"}); }
  TerraformResult Plan(const std::string& file, std::vector<std::string> arguments = {}) const;
  TerraformResult Apply(std::vector<std::string> arguments = {"-auto-approve"}) const;
  TerraformResult Destroy() const { return Apply({"-destroy", "-auto-approve"}); }
  // `terraform show -json` of a saved plan.
  TerraformResult Show(const std::string& file) const { return Run({"show", "-json", file}); }
  TerraformResult StatePull() const { return Run({"state", "pull"}); }

 private:
  const TerraformWorkspaceOptions options_;
  const TemporaryDirectory root_;
  const std::filesystem::path path_;
  std::string program_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_TERRAFORM_H_
