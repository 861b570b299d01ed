#include "client/cli/exec/leftovers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "client/cli/exec/descriptor.h"
#include "client/cli/exec/trusted_path.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

bool IsNameOfOurs(std::string_view name) {
  constexpr char kAllowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
  return text::ConsumePrefix(&name, kPrivatePrefix) && !name.empty() &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::vector<std::string> NamesOfOurs(const std::string& base) {
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(base, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::filesystem::path name = entry->path().filename();
    if (IsNameOfOurs(name.native())) names.push_back(name.native());
  }
  return names;
}

// The directory, locked, so that nobody else removes it meanwhile; none when it is not a leftover.
Descriptor TakeLeftover(int parent, const std::string& name) {
  Descriptor directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts;
  if (!directory.is_open() || fstat(directory.get(), &facts) != 0 || facts.st_uid != geteuid() ||
      (facts.st_mode & 0777) != 0700 || flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    return Descriptor();
  }
  return directory;
}

}  // namespace

// By their paths, because that is as good as descriptors: nobody else can rename what is on the way.
void RemoveLeftovers(const std::string& base) {
  const auto parent = OpenTrusted(base, O_PATH | O_DIRECTORY);
  if (!parent.ok()) return;
  for (const std::string& name : NamesOfOurs(base)) {
    const Descriptor leftover = TakeLeftover(parent->get(), name);
    std::error_code ignored;
    if (leftover.is_open()) std::filesystem::remove_all(text::Concat(base, "/", name), ignored);
  }
}

}  // namespace countersign::cli
