#include "core/terraform/fingerprint.h"

#include <algorithm>
#include <map>

#include "core/terraform/content_hasher.h"

namespace countersign::terraform {
namespace {

template <typename Texts>
void AddTexts(const Texts& texts, ContentHasher* hasher) {
  hasher->Add(static_cast<uint64_t>(texts.size()));
  for (const auto& text : texts) hasher->Add(text);
}

void AddBackend(const v1::Backend& backend, ContentHasher* hasher) {
  hasher->Add(backend.type());
  hasher->Add(backend.workspace());
  const std::map<std::string, std::string> sorted(backend.settings().begin(), backend.settings().end());
  hasher->Add(uint64_t{sorted.size()});
  for (const auto& [name, value] : sorted) {
    hasher->Add(name);
    hasher->Add(value);
  }
  AddTexts(backend.masked_settings(), hasher);
}

void AddConfiguration(const v1::PlanConfiguration& configuration, ContentHasher* hasher) {
  hasher->Add(configuration.digest());
  hasher->Add(static_cast<uint64_t>(configuration.providers_size()));
  for (const v1::ProviderLock& provider : configuration.providers()) {
    hasher->Add(provider.source());
    hasher->Add(provider.version());
    AddTexts(provider.hashes(), hasher);
  }
}

}  // namespace

std::string Fingerprint::Finish(const v1::PlanView& view) {
  ContentHasher hasher("countersign plan fingerprint 1");
  std::sort(digests_.begin(), digests_.end());
  AddTexts(digests_, &hasher);
  AddBackend(view.backend(), &hasher);
  AddConfiguration(view.configuration(), &hasher);
  AddTexts(view.apply_time_variables(), &hasher);
  return hasher.Finish();
}

}  // namespace countersign::terraform
