#include "server/token/key_ring.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::token {
namespace {

constexpr uintmax_t kMaxKeyFileBytes = 16 << 10;

absl::Status Refused(const std::filesystem::path& path, std::string_view what) {
  return error::InvalidField("token.signing_key_directory", text::Concat(path.string(), ": ", what));
}

absl::StatusOr<absl::Time> StartTime(const std::filesystem::path& path) {
  const std::string name = path.stem().string();
  absl::Time time;
  std::string unused;
  // Abseil's %Y takes as many digits as there are, so the basic format of ISO 8601 is first made the extended
  // one.
  const bool shaped = name.size() == 16 && name[8] == 'T' && name[15] == 'Z';
  const std::string extended =
      !shaped ? ""
              : absl::StrCat(name.substr(0, 4), "-", name.substr(4, 2), "-", name.substr(6, 5), ":",
                             name.substr(11, 2), ":", name.substr(13));
  if (!absl::ParseTime(absl::RFC3339_sec, extended, &time, &unused)) {
    return Refused(path, "name it by the UTC time from which it signs, like 20261121T000000Z.pem");
  }
  return time;
}

absl::StatusOr<jws::SigningKey> ReadKey(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::file_size(path, ignored) > kMaxKeyFileBytes)
    return Refused(path, "too large for a key");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return Refused(path, "cannot be read");
  auto key = jws::SigningKey::FromPem(text.str());
  if (!key.ok()) return Refused(path, text::MessageOf(key.status()));
  return key;
}

}  // namespace

absl::Status KeyRing::Reload() {
  std::vector<Entry> entries;
  std::vector<jws::SigningKey> keys;
  std::error_code failure;
  for (const auto& file : std::filesystem::directory_iterator(directory_, failure)) {
    if (file.path().extension() != ".pem") continue;
    const auto start_time = StartTime(file.path());
    if (!start_time.ok()) return start_time.status();
    auto key = ReadKey(file.path());
    if (!key.ok()) return key.status();
    keys.push_back(*key);
    entries.push_back({*start_time, std::make_shared<const jws::SigningKey>(*std::move(key))});
  }
  if (failure) return Refused(directory_, failure.message());
  if (entries.empty()) return Refused(directory_, "holds no *.pem key");
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.start_time < b.start_time; });
  auto public_keys = std::make_shared<const jws::KeySet>(keys);
  base::MutexLock lock(&mutex_);
  entries_ = std::move(entries);
  public_keys_ = std::move(public_keys);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const jws::SigningKey>> KeyRing::ActiveKey(absl::Time now) const {
  base::MutexLock lock(&mutex_);
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->start_time <= now) return entry->key;
  }
  return absl::FailedPreconditionError(
      "no signing key's time has come; add one to the signing key directory");
}

std::shared_ptr<const jws::KeySet> KeyRing::PublicKeys() const {
  base::MutexLock lock(&mutex_);
  return public_keys_;
}

}  // namespace countersign::token
