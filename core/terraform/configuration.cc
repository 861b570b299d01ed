#include "core/terraform/configuration.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "core/digest/digest.h"
#include "core/terraform/code_finder.h"
#include "core/terraform/configuration_source.h"
#include "core/terraform/definitions.h"
#include "core/terraform/hcl_scanner.h"
#include "core/terraform/json_scanner.h"
#include "core/terraform/module_manifest.h"
#include "core/terraform/unreadable.h"
#include "core/terraform/utf8.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

constexpr std::string_view kLockEntry = ".terraform.lock.hcl";
constexpr std::string_view kManifestEntry = "tfconfig/modules.json";
constexpr std::string_view kModulePrefix = "tfconfig/m-";
constexpr std::string_view kNativeEnding = ".tf";
constexpr std::string_view kJsonEnding = ".tf.json";

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The name of an entry, where it can be shown; the errors quote nothing that could mislead.
std::string PlaceOf(std::string_view name) {
  return IsPrintable(name) && name.size() <= 200 ? std::string(name)
                                                 : "tfconfig: an entry with an unusual name";
}

// The name of a file without its ending; empty when Terraform would not load a file of this name.
std::string_view StemOf(std::string_view name) {
  const bool ignored = name.starts_with('.') || name.find_first_of("/\\") != std::string_view::npos;
  if (ignored) return {};
  for (const std::string_view ending : {kJsonEnding, kNativeEnding}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return {};
}

bool IsOverride(std::string_view stem) { return stem == "override" || stem.ends_with("_override"); }

// One file of a module, on its way through the reader.
struct Entry {
  ConfigurationFile file;
  std::string_view name;  // Within the module.
  std::string_view content;
};

absl::StatusOr<Entry> EntryOf(const NamedFile& file, const Limits& limits) {
  std::string_view rest = file.name;
  const bool ours = text::ConsumePrefix(&rest, kModulePrefix);
  const size_t slash = rest.find('/');
  if (!ours || slash == std::string_view::npos) return Unreadable(PlaceOf(file.name), "is no known entry");
  Entry entry;
  entry.name = rest.substr(slash + 1);
  entry.content = file.content;
  const bool plain = file.name.size() <= limits.entry_name_bytes && !HasControlCharacters(file.name) &&
                     FirstInvalidUtf8(file.name) == std::string_view::npos;
  const std::string_view stem = StemOf(entry.name);
  if (!plain || stem.empty()) return Unreadable(PlaceOf(file.name), "is no file that Terraform loads");
  if (file.content.size() > limits.configuration_file_bytes) {
    return Unreadable(PlaceOf(file.name), "is too large");
  }
  entry.file = {std::string(rest.substr(0, slash)), std::string(file.name),
                digest::Sha256(file.content),       file.content.size(),
                entry.name.ends_with(kJsonEnding),  IsOverride(stem)};
  return entry;
}

class Reader {
 public:
  explicit Reader(const Limits& limits) : limits_(limits), definitions_(limits), constants_(limits) {}

  absl::StatusOr<Configuration> Read(std::span<const NamedFile> files) {
    absl::Status status = Sort(files);
    if (status.ok()) status = ReadLock();
    if (status.ok()) status = ReadManifest();
    if (status.ok()) status = MatchFilesWithModules();
    if (status.ok()) status = MatchDirectories();
    if (status.ok()) status = ReadFiles();
    if (status.ok()) status = MatchCallsWithModules();
    if (!status.ok()) return status;
    configuration_.secret_defaults = std::move(found_.secret_defaults);
    configuration_.sensitive_variables = std::move(found_.sensitive_variables);
    std::sort(configuration_.sensitive_variables.begin(), configuration_.sensitive_variables.end());
    configuration_.counts = found_.counts;
    configuration_.protected_resources = std::move(found_.protected_resources);
    configuration_.constants = constants_.Finish();
    configuration_.digest = DigestOfAll();
    TakeBlocks();
    for (Entry& entry : entries_) configuration_.files.push_back(std::move(entry.file));
    return std::move(configuration_);
  }

 private:
  // What each entry is, and none twice.
  absl::Status Sort(std::span<const NamedFile> files) {
    uint64_t bytes = 0;
    for (const NamedFile& file : files) {
      if (file.name == kLockEntry || file.name == kManifestEntry) {
        const NamedFile*& known = file.name == kLockEntry ? lock_ : manifest_;
        if (known != nullptr) return Unreadable(file.name, "stands twice in the plan");
        known = &file;
        continue;
      }
      absl::StatusOr<Entry> entry = EntryOf(file, limits_);
      if (!entry.ok()) return entry.status();
      bytes += file.content.size();
      if (bytes > limits_.configuration_bytes) return Unreadable("tfconfig", "is too large");
      entries_.push_back(*std::move(entry));
    }
    if (lock_ == nullptr) return Unreadable(kLockEntry, "is missing");
    if (manifest_ == nullptr) return Unreadable(kManifestEntry, "is missing");
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.file.path < b.file.path; });
    const auto twice =
        std::adjacent_find(entries_.begin(), entries_.end(),
                           [](const Entry& a, const Entry& b) { return a.file.path == b.file.path; });
    if (twice != entries_.end()) return Unreadable(PlaceOf(twice->file.path), "stands twice in the plan");
    return absl::OkStatus();
  }

  absl::Status ReadLock() {
    absl::StatusOr<LockFile> lock = ReadLockFile(lock_->content, limits_);
    if (!lock.ok()) return lock.status();
    configuration_.lock_writer = lock->writer;
    configuration_.lock = std::move(lock->providers);
    configuration_.lock_digest = digest::Sha256(lock_->content);
    return absl::OkStatus();
  }

  absl::Status ReadManifest() {
    absl::StatusOr<std::vector<ModuleRecord>> records = ReadModuleManifest(manifest_->content, limits_);
    if (!records.ok()) return records.status();
    for (ModuleRecord& record : *records) {
      configuration_.modules.push_back({std::move(record.key), std::move(record.source),
                                        std::move(record.version), std::move(record.directory), ""});
    }
    return absl::OkStatus();
  }

  absl::Status MatchFilesWithModules() {
    for (const Module& module : configuration_.modules) files_of_[module.key];
    for (const Entry& entry : entries_) {
      const auto module = files_of_.find(entry.file.module);
      if (module == files_of_.end()) {
        return Unreadable(PlaceOf(entry.file.path), "belongs to no module of the plan");
      }
      module->second.push_back(&entry);
    }
    for (Module& module : configuration_.modules) {
      const std::vector<const Entry*>& files = files_of_[module.key];
      if (files.empty()) return Unreadable(kManifestEntry, "a module has no files in the plan");
      module.digest = DigestOf(module, files);
    }
    return absl::OkStatus();
  }

  // Terraform finds a module's files by its directory. If two modules have one directory and not the same
  // files, it is chance which of them it takes.
  absl::Status MatchDirectories() {
    std::map<std::string, const std::vector<const Entry*>*> seen;
    for (const Module& module : configuration_.modules) {
      const std::vector<const Entry*>& files = files_of_[module.key];
      const auto [other, is_new] = seen.emplace(CleanDirectory(module.directory), &files);
      const bool same = std::equal(files.begin(), files.end(), other->second->begin(), other->second->end(),
                                   [](const Entry* a, const Entry* b) {
                                     return a->name == b->name && a->file.digest == b->file.digest;
                                   });
      if (!is_new && !same) {
        return Unreadable(kManifestEntry, "two modules have one directory and different files");
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadFiles() {
    Limits left = limits_;
    for (const Entry& entry : entries_) {
      const std::string path = PlaceOf(entry.file.path);
      const absl::StatusOr<ConfigurationSource> source =
          entry.file.is_json ? ScanJson(entry.content, path, left) : ScanHcl(entry.content, path, left);
      if (!source.ok()) return source.status();
      left.blocks -= source->blocks.size() - 1;
      const FilePlace place = {entry.file.module, entry.name, path, entry.file.is_override};
      if (absl::Status found = FindCode(*source, place, limits_, &found_); !found.ok()) return found;
      definitions_.AddFile(*source, entry.file.module);
      absl::Status added = constants_.AddFile(*source, entry.file.module, path, entry.file.is_override);
      if (!added.ok()) return added;
    }
    return absl::OkStatus();
  }

  // A module that is called and not there could not be reviewed, and one that is there and never called is
  // only there to be looked at.
  absl::Status MatchCallsWithModules() {
    std::vector<std::string>& called = found_.called_modules;
    called.emplace_back();  // The root.
    std::sort(called.begin(), called.end());
    called.erase(std::unique(called.begin(), called.end()), called.end());
    const bool same =
        std::equal(called.begin(), called.end(), configuration_.modules.begin(), configuration_.modules.end(),
                   [](const std::string& key, const Module& module) { return key == module.key; });
    if (same) return absl::OkStatus();
    return Unreadable(kManifestEntry, "the modules are not those that the configuration calls");
  }

  void TakeBlocks() {
    for (const Module& module : configuration_.modules) definitions_.AddModule(module.key, module.digest);
    for (FoundBlock& found : found_.blocks) {
      CodeBlock& block = configuration_.blocks.emplace_back(std::move(found.block));
      Meaning meaning = definitions_.MeaningOf(found.text, block.module, configuration_.digest);
      block.digest = std::move(meaning.digest);
      block.variables = std::move(meaning.variables);
      std::sort(block.variables.begin(), block.variables.end());
      block.any_variable = meaning.any_variable;
    }
  }

  // No part can hold NUL, so that no two modules give the same text.
  static std::string DigestOf(const Module& module, const std::vector<const Entry*>& files) {
    const std::string_view nul("\0", 1);
    std::string all = text::Concat("countersign module 1", nul, module.key, nul, module.source, nul,
                                   module.version, nul, module.directory, nul);
    for (const Entry* file : files) all += text::Concat(file->name, nul, file->file.digest, nul);
    return digest::Sha256(all);
  }

  std::string DigestOfAll() const {
    std::string all = "countersign configuration 1\n";
    for (const Module& module : configuration_.modules) all += module.digest + "\n";
    return digest::Sha256(all);
  }

  const Limits& limits_;
  Configuration configuration_;
  const NamedFile* lock_ = nullptr;
  const NamedFile* manifest_ = nullptr;
  std::vector<Entry> entries_;
  std::map<std::string, std::vector<const Entry*>, std::less<>> files_of_;  // By module, sorted by path.
  FoundCode found_;
  Definitions definitions_;
  ConstantCollector constants_;
};

}  // namespace

absl::StatusOr<Configuration> ReadConfiguration(std::span<const NamedFile> files, const Limits& limits) {
  return Reader(limits).Read(files);
}

}  // namespace countersign::terraform
