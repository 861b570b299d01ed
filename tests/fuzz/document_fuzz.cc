// Feeds whatever strangers can send as configuration documents, and ends the process if what is accepted
// reads differently the second time, or if a configuration is accepted that contradicts itself.
#include <google/protobuf/struct.pb.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy/configuration.h"
#include "server/base/document.h"
#include "server/broker/documents.h"
#include "tests/fuzz/require.h"

namespace countersign::fuzz {
namespace {

// What is accepted is JSON, so that no scalar of the YAML can have closed its string.
void AsYaml(std::string_view input) {
  const auto documents = base::ParseYaml(input);
  if (!documents.ok()) return;
  int line = 0;
  for (const base::JsonDocument& document : *documents) {
    google::protobuf::Value value;
    Require(base::FromJson(document.json, &value).ok());
    Require(document.line > line);
    line = document.line;
  }
}

void CheckConfiguration(const policy::Configuration& configuration) {
  for (const v1::Principal& principal : configuration.principals()) {
    Require(policy::ParsePrincipalId(principal.id()).ok());
    Require(configuration.FindPrincipal(principal.id()) != nullptr);
    const bool active = configuration.FindActivePrincipal(principal.id()) != nullptr;
    Require(active == !principal.revoked());
    Require(!configuration.IsMember(principal.id(), policy::kAdminGroup) ||
            policy::Configuration::KindOf(principal) == policy::PrincipalKind::kHuman);
  }
  for (const v1::Target& target : configuration.targets()) {
    Require(policy::IsTargetName(target.name()));
    for (const std::string& executor : target.executors()) {
      const v1::Principal* found = configuration.FindPrincipal(executor);
      Require(found != nullptr && policy::Configuration::KindOf(*found) != policy::PrincipalKind::kAgent);
    }
  }
}

// What `apply` splits is kept as text and read again by every broker: each part must give the same document.
void AsApplied(std::string_view input) {
  const auto split = broker::SplitDocuments(input);
  if (!split.ok()) return;
  std::vector<v1::Document> documents;
  for (const broker::NamedDocument& part : *split) {
    const auto again = broker::SplitDocuments(part.content);
    Require(again.ok() && again->size() == 1 && again->front().name == part.name);
    v1::Document document;
    document.set_name(part.name);
    document.set_content(part.content);
    documents.push_back(document);
  }
  const auto configuration = broker::BuildConfiguration(1, documents);
  if (configuration.ok()) CheckConfiguration(*configuration);
}

}  // namespace
}  // namespace countersign::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace countersign::fuzz;  // NOLINT(google-build-using-namespace): the entry point must be outside
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  AsYaml(input);
  AsApplied(input);
  return 0;
}
