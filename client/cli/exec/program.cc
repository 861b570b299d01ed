#include "client/cli/exec/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <deque>
#include <utility>

#include "absl/strings/str_split.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr int kMostLinks = 40;
constexpr int kMostInterpreters = 3;

absl::Status Refused(const std::string& path, std::string_view why) {
  return absl::PermissionDeniedError(text::Concat("will not run ", path, ": ", why));
}

// Whether only root and this user may change the file, or, for directories, what is in it.
absl::Status CheckOwnership(const std::string& path, const struct stat& facts) {
  if (facts.st_uid != 0 && facts.st_uid != geteuid()) return Refused(path, "it belongs to another user");
  if (S_ISLNK(facts.st_mode)) return absl::OkStatus();  // A link's mode means nothing.
  const bool others_write = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  // In a sticky directory others cannot rename or remove what root or this user owns.
  const bool sticky = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
  if (others_write && !sticky) return Refused(path, "its group or everybody may write to it");
  return absl::OkStatus();
}

// Walks from the root to the file, checking every directory and link on the way; gives the real path.
absl::StatusOr<std::string> Resolve(const std::string& path) {
  std::deque<std::string> left = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::string resolved;
  int links = 0;
  struct stat facts;
  if (stat("/", &facts) != 0) return Refused("/", "it cannot be examined");
  if (const auto status = CheckOwnership("/", facts); !status.ok()) return status;
  while (!left.empty()) {
    const std::string part = left.front();
    left.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      resolved.erase(resolved.find_last_of('/') == std::string::npos ? 0 : resolved.find_last_of('/'));
      continue;
    }
    const std::string next = text::Concat(resolved, "/", part);
    if (lstat(next.c_str(), &facts) != 0) return absl::NotFoundError(text::Concat(path, " does not exist"));
    if (const auto status = CheckOwnership(next, facts); !status.ok()) return status;
    if (!S_ISLNK(facts.st_mode)) {
      resolved = next;
      continue;
    }
    std::array<char, PATH_MAX> buffer;
    const ssize_t size = readlink(next.c_str(), buffer.data(), buffer.size());
    if (size <= 0 || ++links > kMostLinks) return Refused(path, "its symbolic links lead nowhere");
    const std::string link(buffer.data(), static_cast<size_t>(size));
    if (link[0] == '/') resolved.clear();
    const std::deque<std::string> parts = absl::StrSplit(link, '/', absl::SkipEmpty());
    left.insert(left.begin(), parts.begin(), parts.end());
  }
  return resolved.empty() ? "/" : resolved;
}

absl::Status CheckFile(const std::string& path, int descriptor) {
  struct stat facts;
  if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
    return Refused(path, "it is not a regular file");
  if (const auto status = CheckOwnership(path, facts); !status.ok()) return status;
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

absl::StatusOr<Program> Open(const std::string& path, int depth) {
  const auto real = Resolve(path);
  if (!real.ok()) return real.status();
  const int descriptor = open(real->c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return Refused(*real, "it cannot be opened for reading");
  const std::string interpreter = InterpreterOf(descriptor);
  Program program(descriptor, path, !interpreter.empty());
  if (const auto status = CheckFile(*real, descriptor); !status.ok()) return status;
  if (interpreter.empty()) return program;
  if (interpreter[0] != '/' || depth == 0) return Refused(path, "its interpreter cannot be trusted");
  if (const auto opened = Open(interpreter, depth - 1); !opened.ok()) return opened.status();
  return program;
}

}  // namespace

Program::Program(int descriptor, std::string path, bool is_script)
    : descriptor_(descriptor), path_(std::move(path)), is_script_(is_script) {}

Program::~Program() {
  if (descriptor_ >= 0) close(descriptor_);
}

Program::Program(Program&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      is_script_(other.is_script_) {}

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

}  // namespace countersign::cli
