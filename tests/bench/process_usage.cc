#include "tests/bench/process_usage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace countersign::bench {
namespace {

// The numbers of /proc/{pid}/stat, from the third field on: proc(5) counts fields from 1, and the second, the
// name, may hold spaces.
constexpr size_t kFirstField = 3;
constexpr size_t kParent = 4;
constexpr size_t kUserTime = 14;
constexpr size_t kSystemTime = 15;
constexpr size_t kChildrenUserTime = 16;
constexpr size_t kChildrenSystemTime = 17;

int64_t Field(pid_t pid, size_t field) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string value;
  for (size_t i = kFirstField; i <= field; ++i) fields >> value;
  int64_t number = 0;
  return absl::SimpleAtoi(value, &number) ? number : 0;
}

absl::Duration Ticks(int64_t ticks) {
  return absl::Seconds(1) * ticks / static_cast<int64_t>(sysconf(_SC_CLK_TCK));
}

}  // namespace

Memory MemoryOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  Memory memory;
  for (std::string word; file >> word;) {
    if (word == "VmRSS:") file >> memory.resident_kib;
    if (word == "VmHWM:") file >> memory.peak_kib;
  }
  return memory;
}

absl::Duration ProcessorTimeOf(pid_t pid) { return Ticks(Field(pid, kUserTime) + Field(pid, kSystemTime)); }

absl::Duration ProcessorTimeWithChildren(pid_t pid) {
  absl::Duration total =
      ProcessorTimeOf(pid) + Ticks(Field(pid, kChildrenUserTime) + Field(pid, kChildrenSystemTime));
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t child = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &child) && ParentOf(child) == pid) {
      total += ProcessorTimeOf(child);
    }
  }
  return total;
}

pid_t ParentOf(pid_t pid) { return static_cast<pid_t>(Field(pid, kParent)); }

}  // namespace countersign::bench
