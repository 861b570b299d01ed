#include "tests/support/temporary_directory.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

constexpr absl::string_view kPrefix = "countersign-test-";

// Directories are named prefix, process id, random: removes those whose process is no more.
void RemoveAbandoned(const std::filesystem::path& parent) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    if (!absl::StartsWith(name, kPrefix)) continue;
    const std::vector<std::string> parts = absl::StrSplit(name.substr(kPrefix.size()), '-');
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &pid) || pid <= 0) continue;
    if (kill(pid, 0) == 0 || errno != ESRCH) continue;
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  const std::filesystem::path parent = std::filesystem::temp_directory_path();
  static const bool swept = (RemoveAbandoned(parent), true);
  (void)swept;
  std::string name = parent / absl::StrCat(kPrefix, getpid(), "-XXXXXX");
  if (mkdtemp(name.data()) == nullptr) FatalErrno(absl::StrCat("cannot make ", name));
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::Write(std::string_view name, std::string_view content) const {
  std::string path = *this / name;
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) FatalErrno(absl::StrCat("cannot write ", path));
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) FatalErrno(absl::StrCat("cannot read ", path));
  return content.str();
}

}  // namespace countersign::testing
