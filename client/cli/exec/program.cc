#include "client/cli/exec/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "client/cli/exec/trusted_path.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int kMostInterpreters = 3;

absl::Status Refused(const std::string& path, std::string_view why) {
  return absl::PermissionDeniedError(text::Concat("will not run ", path, ": ", why));
}

absl::Status CheckFile(const std::string& path, int descriptor) {
  struct stat facts;
  if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
    return Refused(path, "it is not a regular file");
  if (const auto status = CheckOwnership(path, facts); !status.ok()) {
    return Refused(path, text::MessageOf(status));
  }
  if (faccessat(AT_FDCWD, text::Concat("/proc/self/fd/", descriptor).c_str(), X_OK, AT_EACCESS) != 0) {
    return Refused(path, "it is not executable");
  }
  return absl::OkStatus();
}

// The interpreter of a script; empty for other programs.
std::string InterpreterOf(int descriptor) {
  std::array<char, 256> start;
  const ssize_t size = pread(descriptor, start.data(), start.size(), 0);
  std::string_view line(start.data(), size > 0 ? static_cast<size_t>(size) : 0);
  if (line.substr(0, 2) != "#!") return "";
  line = line.substr(2, line.find('\n') - 2);
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "/bin/sh";
  line.remove_prefix(first);
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

absl::StatusOr<Program> Open(const std::string& path, int depth);

absl::StatusOr<Program> Examine(Descriptor file, const std::string& path, int depth) {
  if (auto status = CheckFile(path, file.get()); !status.ok()) return status;
  const std::string interpreter = InterpreterOf(file.get());
  Program program(std::move(file), path, !interpreter.empty());
  if (interpreter.empty()) return program;
  if (interpreter[0] != '/' || depth == 0) return Refused(path, "its interpreter cannot be trusted");
  if (const auto opened = Open(interpreter, depth - 1); !opened.ok()) return opened.status();
  return program;
}

absl::StatusOr<Program> Open(const std::string& path, int depth) {
  auto file = OpenTrusted(path, O_RDONLY | O_NONBLOCK);
  if (absl::IsPermissionDenied(file.status())) return Refused(path, text::MessageOf(file.status()));
  if (!file.ok()) return file.status();
  return Examine(*std::move(file), path, depth);
}

}  // namespace

absl::StatusOr<Program> OpenProgram(const std::string& name, const std::string& path) {
  if (name.empty()) return absl::InvalidArgumentError("the command has no program");
  if (name[0] == '/') return Open(name, kMostInterpreters);
  if (name.find('/') != std::string::npos) {
    return Refused(name, "a relative path means another program in every directory");
  }
  for (const std::string& directory : std::vector<std::string>(absl::StrSplit(path, ':'))) {
    if (directory.empty() || directory[0] != '/')
      return Refused(directory, "the path holds a relative directory");
    const std::string candidate = text::Concat(directory, "/", name);
    if (access(candidate.c_str(), F_OK) == 0) return Open(candidate, kMostInterpreters);
  }
  return absl::NotFoundError(text::Concat("there is no program ", name, " in ", path));
}

absl::StatusOr<Program> OpenArtifact(const PrivateDirectory& directory, const std::string& file_name) {
  auto file = directory.Open(file_name);
  if (!file.ok()) return file.status();
  return Examine(*std::move(file), text::Concat("./", file_name), kMostInterpreters);
}

}  // namespace countersign::cli
