#include "tests/provider/rows.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace countersign::provider {

std::string FileName(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                       (c == '.' && !name.empty());
    if (plain) {
      name += c;
    } else {
      absl::StrAppendFormat(&name, "%%%02x", static_cast<unsigned char>(c));
    }
  }
  return name;
}

std::filesystem::path Rows::PathOf(const std::string& type, const std::string& id) const {
  return directory_ / type / (FileName(id) + ".json");
}

absl::StatusOr<std::optional<Json>> Rows::Read(const std::string& type, const std::string& id) const {
  std::ifstream file(PathOf(type, id), std::ios::binary);
  if (!file) return std::nullopt;
  absl::StatusOr<Json> row = DecodeJson({std::istreambuf_iterator<char>(file), {}});
  if (!row.ok()) return absl::DataLossError(absl::StrCat(PathOf(type, id).string(), " is not JSON"));
  return *std::move(row);
}

absl::Status Rows::Write(const std::string& type, const std::string& id, const Json& row) const {
  const std::filesystem::path path = PathOf(type, id);
  const std::filesystem::path unfinished = path.string() + ".new";
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  std::ofstream file(unfinished, std::ios::binary);
  file << row.dump(2) << '\n';
  file.close();
  if (!file) return absl::UnavailableError(absl::StrCat("cannot write ", unfinished.string()));
  std::filesystem::rename(unfinished, path, failed);
  if (failed)
    return absl::UnavailableError(absl::StrCat("cannot write ", path.string(), ": ", failed.message()));
  return absl::OkStatus();
}

absl::Status Rows::Remove(const std::string& type, const std::string& id) const {
  std::error_code failed;
  std::filesystem::remove(PathOf(type, id), failed);
  if (failed) return absl::UnavailableError(absl::StrCat("cannot remove ", id, ": ", failed.message()));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Rows::NextId(const std::string& prefix) const {
  const std::filesystem::path taken = directory_ / "ids";
  std::error_code ignored;
  std::filesystem::create_directories(taken, ignored);
  for (int number = 1;; ++number) {
    std::string id = absl::StrFormat("%s%016x", prefix, number);
    // Whoever makes the file has the id, also among several processes.
    const int fd = open((taken / id).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
      close(fd);
      return id;
    }
    if (errno != EEXIST) {
      return absl::UnavailableError(
          absl::StrCat("cannot write in ", taken.string(), ": ", std::strerror(errno)));
    }
  }
}

}  // namespace countersign::provider
