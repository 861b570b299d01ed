#ifndef COUNTERSIGN_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define COUNTERSIGN_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace countersign::testing {

// A new directory under TMPDIR, mode 0700, removed with all that is in it on destruction. What processes that
// were killed have left behind is removed by the next one. Ends the process if it cannot be made.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The path of a file in it.
  std::string operator/(std::string_view name) const { return path_ / name; }
  // Writes a file in it and returns its path.
  std::string Write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The file's bytes; ends the process if it cannot be read.
std::string ReadFile(const std::string& path);

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
