// Feeds whatever can stand in one file of a plan's configuration. What is read must be read the same way
// again, also when something follows it that means nothing; and what is said about it must be in it.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/terraform/configuration.h"
#include "core/terraform/limits.h"
#include "tests/fuzz/require.h"

namespace countersign::terraform {
namespace {

using fuzz::Require;

constexpr std::string_view kManifest = R"([{"Key": "", "Dir": "."}])";

bool IsSame(const CodeBlock& a, const CodeBlock& b) {
  return std::tie(a.kind, a.module, a.file, a.line, a.what, a.detail) ==
         std::tie(b.kind, b.module, b.file, b.line, b.what, b.detail);
}

void RequireSame(const Configuration& a, const Configuration& b) {
  Require(a.counts == b.counts && a.protected_resources == b.protected_resources);
  Require(a.constants == b.constants);
  Require(a.blocks.size() == b.blocks.size());
  for (size_t i = 0; i < a.blocks.size(); ++i) Require(IsSame(a.blocks[i], b.blocks[i]));
  Require(a.modules.size() == b.modules.size() && a.lock.size() == b.lock.size());
}

absl::StatusOr<Configuration> Read(std::string_view name, std::string_view content) {
  std::vector<NamedFile> files = {{"tfconfig/modules.json", kManifest}, {".terraform.lock.hcl", ""}};
  for (NamedFile& file : files) {
    if (file.name == name) file.content = content;
  }
  // Where the input is no file of a module, the module still needs one.
  const bool in_module = name.starts_with("tfconfig/m-");
  files.push_back({in_module ? name : "tfconfig/m-/main.tf", in_module ? content : ""});
  return ReadConfiguration(files, {});
}

int LinesIn(std::string_view text) {
  int lines = 1;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  return lines;
}

void ReadTwice(std::string_view name, std::string_view content, std::string_view nothing) {
  const absl::StatusOr<Configuration> first = Read(name, content);
  if (!first.ok()) return;
  const absl::StatusOr<Configuration> second = Read(name, content);
  Require(second.ok() && second->digest == first->digest);
  RequireSame(*first, *second);
  for (const CodeBlock& block : first->blocks) Require(block.line >= 1 && block.line <= LinesIn(content));
  const absl::StatusOr<Configuration> longer = Read(name, std::string(content).append(nothing));
  Require(longer.ok());
  RequireSame(*first, *longer);
  // The manifest is not code, and its digest is that of what it says.
  const bool said = longer->digest != first->digest || longer->lock_digest != first->lock_digest;
  Require(said == (name != "tfconfig/modules.json"));
}

}  // namespace
}  // namespace countersign::terraform

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::terraform;  // NOLINT(google-build-using-namespace): the entry point must be
                                           // outside
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      ReadTwice("tfconfig/m-/main.tf", input, "\n# nothing");
      break;
    case 1:
      ReadTwice("tfconfig/m-/main.tf.json", input, "\n ");
      break;
    case 2:
      ReadTwice(".terraform.lock.hcl", input, "\n# nothing");
      break;
    case 3:
      ReadTwice("tfconfig/modules.json", input, "\n ");
      break;
  }
  return 0;
}
