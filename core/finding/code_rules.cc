#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/finding/plan_rules.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using v1::Finding;

// Which finding a kind of code belongs to, and how bad it is where it was there before and where it is new.
struct CodeKind {
  std::string_view kind;
  std::string_view code;
  Finding::Severity known;
  Finding::Severity unknown;
};

constexpr std::array<CodeKind, 14> kKinds = {{
    {"connection", "provisioner", Finding::INFO, Finding::WARNING},
    {"encryption", "external-program", Finding::WARNING, Finding::HIGH},
    {"ephemeral", "reaches-out", Finding::INFO, Finding::WARNING},
    {"external", "external-program", Finding::WARNING, Finding::HIGH},
    {"file_function", "reads-runner-files", Finding::INFO, Finding::WARNING},
    {"http", "reaches-out", Finding::INFO, Finding::WARNING},
    {"local_exec", "provisioner", Finding::WARNING, Finding::HIGH},
    {"path_reference", "reads-runner-files", Finding::INFO, Finding::INFO},
    {"provider_function", "reaches-out", Finding::INFO, Finding::INFO},
    {"provisioner", "provisioner", Finding::WARNING, Finding::HIGH},
    {"remote_state", "reaches-out", Finding::INFO, Finding::WARNING},
    {"state_store", "reaches-out", Finding::INFO, Finding::WARNING},
    {"cloud", "reaches-out", Finding::INFO, Finding::WARNING},
    {"write_only", "reaches-out", Finding::INFO, Finding::WARNING},
}};

std::string PlaceOf(const v1::CodeBlock& block) {
  return text::Concat(block.module().empty() ? "" : block.module() + "/", block.file(), ":", block.line());
}

// `detail` is only a part of what it does, with secrets hidden; `digest` is of all of it.
std::string KeyOf(const v1::CodeBlock& block) {
  return text::Concat(block.kind(), "\n", block.module(), "\n", block.what(), "\n", block.detail(), "\n",
                      block.digest());
}

// Which code the target's last configuration had.
absl::flat_hash_set<std::string> KnownCode(const v1::TargetMemory* memory) {
  absl::flat_hash_set<std::string> known;
  if (memory == nullptr) return known;
  for (const v1::CodeBlock& block : memory->configuration().code_blocks()) known.insert(KeyOf(block));
  return known;
}

// Reading files beside the configuration is common; reading others is not.
bool LeavesDirectory(std::string_view detail) {
  return detail.empty() || detail == "computed" || detail.find("..") != std::string_view::npos ||
         detail.find_first_of("~$%") != std::string_view::npos || detail.starts_with('/') ||
         detail.find("\"/") != std::string_view::npos;
}

std::string SentenceOf(const Found& found) {
  if (found.code() == "provisioner")
    return text::Concat("Can run commands when it is applied: ", found.Names(), ".");
  if (found.code() == "external-program") {
    return text::Concat("Runs programs on the machine that applies it: ", found.Names(), ".");
  }
  if (found.code() == "reads-runner-files") {
    return text::Concat("Reads from the machine that applies it: ", found.Names(), ".");
  }
  return text::Concat("Reaches out of the plan: ", found.Names(), ".");
}

void JudgeBlocks(const PlanFacts& facts, FindingList* findings) {
  const absl::flat_hash_set<std::string> known = KnownCode(facts.memory());
  std::map<std::string_view, Found> found;
  for (const v1::CodeBlock& block : facts.plan().configuration().code_blocks()) {
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&block](const CodeKind& entry) { return entry.kind == block.kind(); });
    if (kind == kKinds.end()) continue;
    const bool is_known = known.contains(KeyOf(block));
    Finding::Severity severity = is_known ? kind->known : kind->unknown;
    if (!is_known && block.kind() == "file_function" && LeavesDirectory(block.detail()))
      severity = Finding::HIGH;
    found.try_emplace(kind->code, kind->code)
        .first->second.At(severity, PlaceOf(block), "", block.detail(), block.what());
  }
  for (const auto& [code, one] : found) findings->Add(one, SentenceOf(one));
}

void JudgeInvocations(const PlanFacts& facts, FindingList* findings) {
  Found found("action-invocation");
  for (const v1::ActionInvocation& action : facts.plan().action_invocations()) {
    found.At(Finding::HIGH, action.address(), "", action.triggering_address());
  }
  findings->Add(found, text::Concat("Invokes actions of providers: ", found.Names(), "."));
}

bool IsOfProvider(const v1::CodeBlock& block) {
  return block.kind() == "provider" || block.kind() == "required_provider";
}

void JudgeProviders(const PlanFacts& facts, FindingList* findings) {
  absl::flat_hash_set<std::string> before;
  absl::flat_hash_set<std::string> after;
  for (const v1::CodeBlock& block : facts.memory()->configuration().code_blocks()) {
    if (IsOfProvider(block)) before.insert(KeyOf(block));
  }
  Found found("provider-changed");
  for (const v1::CodeBlock& block : facts.plan().configuration().code_blocks()) {
    if (!IsOfProvider(block)) continue;
    after.insert(KeyOf(block));
    if (!before.contains(KeyOf(block)))
      found.At(Finding::HIGH, PlaceOf(block), "", block.what(), block.what());
  }
  for (const v1::CodeBlock& block : facts.memory()->configuration().code_blocks()) {
    if (!IsOfProvider(block) || after.contains(KeyOf(block))) continue;
    found.At(Finding::HIGH, PlaceOf(block), "", "was there before, as it was", block.what());
  }
  findings->Add(found, text::Concat("Providers are configured otherwise than before: ", found.Names(), "."));
}

void JudgeModules(const PlanFacts& facts, FindingList* findings) {
  absl::flat_hash_map<std::string, const v1::ModuleCall*> before;
  for (const v1::ModuleCall& module : facts.memory()->configuration().modules())
    before[module.key()] = &module;
  Found found("module-source-changed");
  for (const v1::ModuleCall& module : facts.plan().configuration().modules()) {
    const auto at = before.find(module.key());
    const std::string value =
        text::Concat(module.source(), module.version().empty() ? "" : " ", module.version());
    if (at == before.end()) {
      found.At(Finding::WARNING, module.key(), "", value);
    } else if (at->second->source() != module.source() || at->second->version() != module.version()) {
      found.At(Finding::HIGH, module.key(), "", value);
    }
  }
  findings->Add(found, text::Concat("Modules come from elsewhere than before: ", found.Names(), "."));
}

// The same version with other packages, none of which was known.
bool IsReplaced(const v1::ProviderLock& before, const v1::ProviderLock& after) {
  return before.version() == after.version() && !before.hashes().empty() &&
         std::none_of(after.hashes().begin(), after.hashes().end(), [&before](const std::string& hash) {
           return std::find(before.hashes().begin(), before.hashes().end(), hash) != before.hashes().end();
         });
}

void JudgeLockFile(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanConfiguration& now = facts.plan().configuration();
  const v1::PlanConfiguration& known = facts.memory()->configuration();
  if (now.lock_file_digest() == known.lock_file_digest()) return;
  absl::flat_hash_map<std::string, const v1::ProviderLock*> before;
  for (const v1::ProviderLock& provider : known.providers()) before[provider.source()] = &provider;
  Found found("lock-file-changed");
  for (const v1::ProviderLock& provider : now.providers()) {
    const auto at = before.find(provider.source());
    if (at == before.end()) {
      found.At(Finding::HIGH, provider.source(), "", text::Concat(provider.version(), ", new"));
    } else if (IsReplaced(*at->second, provider)) {
      found.At(Finding::HIGH, provider.source(), "", text::Concat(provider.version(), " in another package"));
    } else if (at->second->version() != provider.version()) {
      found.At(Finding::WARNING, provider.source(), "",
               text::Concat(at->second->version(), " to ", provider.version()));
    }
  }
  if (found.empty()) found.At(Finding::WARNING, ".terraform.lock.hcl", "", now.lock_file_digest());
  findings->Add(found,
                text::Concat("The dependency lock file differs from the last one: ", found.Names(), "."));
}

void JudgeConfiguration(const PlanFacts& facts, FindingList* findings) {
  const v1::PlanConfiguration& now = facts.plan().configuration();
  const v1::PlanConfiguration& known = facts.memory()->configuration();
  if (now.digest() == known.digest()) return;
  std::map<std::string, std::string> before;
  for (const v1::ConfigurationFile& file : known.files()) before[file.path()] = file.digest();
  Found found("configuration-changed");
  for (const v1::ConfigurationFile& file : now.files()) {
    const auto at = before.find(file.path());
    if (at == before.end()) {
      found.At(Finding::INFO, file.path(), "", "new");
      continue;
    }
    if (at->second != file.digest()) found.At(Finding::INFO, file.path(), "", "changed");
    before.erase(at);
  }
  for (const auto& [path, digest] : before) found.At(Finding::INFO, path, "", "gone");
  if (found.empty()) found.At(Finding::INFO, "tfconfig", "", now.digest());
  findings->Add(found,
                text::Concat("The configuration differs from that of the last plan: ", found.Names(), "."));
}

}  // namespace

void JudgeCode(const PlanFacts& facts, FindingList* findings) {
  JudgeBlocks(facts, findings);
  JudgeInvocations(facts, findings);
  if (facts.memory() == nullptr || !facts.memory()->has_configuration()) return;
  JudgeProviders(facts, findings);
  JudgeModules(facts, findings);
  JudgeLockFile(facts, findings);
  JudgeConfiguration(facts, findings);
}

}  // namespace countersign::finding
