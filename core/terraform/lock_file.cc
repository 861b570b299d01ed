#include "core/terraform/lock_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/terraform/configuration_source.h"
#include "core/terraform/hcl_scanner.h"
#include "core/terraform/unreadable.h"
#include "core/text/text.h"

namespace countersign::terraform {
namespace {

using Kind = HclToken::Kind;

constexpr std::string_view kPlace = ".terraform.lock.hcl";

absl::Status Refuse(int line, std::string_view what) {
  return Unreadable(text::Concat(kPlace, ":", line), what);
}

LockWriter WriterOf(std::string_view text) {
  const std::string_view line = text::Strip(text.substr(0, text.find('\n')));
  if (line == R"(# This file is maintained automatically by "terraform init".)")
    return LockWriter::kTerraform;
  if (line == R"(# This file is maintained automatically by "tofu init".)") return LockWriter::kOpenTofu;
  return LockWriter::kUnknown;
}

bool HasOnly(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

bool IsSource(std::string_view source) {
  const std::vector<std::string_view> parts = text::Split(source, '/');
  return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && HasOnly(part, ".:_-");
         });
}

bool IsHash(std::string_view hash) {
  const size_t colon = hash.find(':');
  return colon != std::string_view::npos && colon > 0 && colon + 1 < hash.size() &&
         HasOnly(hash.substr(0, colon), "") && HasOnly(hash.substr(colon + 1), "+/=");
}

// A list of plain strings, and nothing else.
std::optional<std::vector<std::string>> ListOf(const SourceAttribute& attribute, const Limits& limits) {
  HclLexer lexer(attribute.expression, HclLexer::Language::kBody, limits.bracket_depth, attribute.line);
  std::vector<HclToken> tokens(1);
  while (lexer.Next(&tokens.back()) && tokens.back().kind != Kind::kEnd) {
    if (tokens.back().kind != Kind::kNewline) tokens.emplace_back();
  }
  const size_t last = tokens.size() - 1;
  if (last < 2 || !tokens[0].Is(Kind::kOpen, "[") || !tokens[last - 1].Is(Kind::kClose, "]"))
    return std::nullopt;
  std::vector<std::string> items;
  for (size_t at = 1; at < last - 1; at += 4) {
    const bool plain = at + 3 < last && tokens[at].kind == Kind::kQuote &&
                       tokens[at + 1].kind == Kind::kLiteral && tokens[at + 2].kind == Kind::kQuoteEnd;
    if (!plain) return std::nullopt;
    if (at + 3 != last - 1 && !tokens[at + 3].Is(Kind::kOperator, ",")) return std::nullopt;
    items.emplace_back(tokens[at + 1].text);
  }
  return items;
}

absl::Status ReadHashes(const SourceAttribute& attribute, const Limits& limits, ProviderLock* lock) {
  std::optional<std::vector<std::string>> hashes = ListOf(attribute, limits);
  if (!hashes.has_value() || !std::all_of(hashes->begin(), hashes->end(), IsHash)) {
    return Refuse(attribute.line, "the hashes of a provider are not a list of hashes");
  }
  lock->hashes = *std::move(hashes);
  std::sort(lock->hashes.begin(), lock->hashes.end());
  return absl::OkStatus();
}

absl::Status ReadArgument(const ConfigurationSource& source, const SourceAttribute& attribute,
                          const Limits& limits, ProviderLock* lock) {
  if (attribute.name == "hashes") return ReadHashes(attribute, limits, lock);
  const std::optional<std::string> literal = source.LiteralOf(attribute);
  if (attribute.name == "version" && literal.has_value() && !literal->empty() && HasOnly(*literal, ".+-")) {
    lock->version = *literal;
    return absl::OkStatus();
  }
  if (attribute.name == "constraints" && literal.has_value() && HasOnly(*literal, ".+-<>=!~, ")) {
    lock->constraints = *literal;
    return absl::OkStatus();
  }
  return Refuse(attribute.line, "an argument of a provider is not known here");
}

absl::StatusOr<ProviderLock> ReadProvider(const ConfigurationSource& source, uint32_t index,
                                          const Limits& limits) {
  const SourceBlock& block = source.blocks[index];
  const bool known = block.depth == 1 && block.type == "provider" && block.labels.size() == 1;
  if (!known) return Refuse(block.line, "a block is not known here");
  if (!IsSource(block.labels[0])) return Refuse(block.line, "a provider has no full source address");
  ProviderLock lock;
  lock.source = std::string(block.labels[0]);
  std::vector<std::string_view> names;
  for (uint32_t at = block.first_attribute; at != SourceBlock::kNone; at = source.attributes[at].next) {
    names.push_back(source.attributes[at].name);
    absl::Status read = ReadArgument(source, source.attributes[at], limits, &lock);
    if (!read.ok()) return read;
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return Refuse(block.line, "an argument stands twice");
  }
  if (lock.version.empty()) return Refuse(block.line, "a provider has no version");
  return lock;
}

}  // namespace

absl::StatusOr<LockFile> ReadLockFile(std::string_view text, const Limits& limits) {
  if (text.size() > limits.lock_file_bytes) return Unreadable(kPlace, "is too large");
  absl::StatusOr<ConfigurationSource> source = ScanHcl(text, kPlace, limits);
  if (!source.ok()) return source.status();
  if (source->blocks[SourceBlock::kRoot].first_attribute != SourceBlock::kNone) {
    return Unreadable(kPlace, "an argument stands outside of a block");
  }
  LockFile file;
  file.writer = WriterOf(text);
  for (uint32_t block = 1; block < source->blocks.size(); ++block) {
    absl::StatusOr<ProviderLock> lock = ReadProvider(*source, block, limits);
    if (!lock.ok()) return lock.status();
    file.providers.push_back(*std::move(lock));
  }
  const auto by_source = [](const ProviderLock& a, const ProviderLock& b) { return a.source < b.source; };
  std::sort(file.providers.begin(), file.providers.end(), by_source);
  const auto same = [](const ProviderLock& a, const ProviderLock& b) { return a.source == b.source; };
  if (std::adjacent_find(file.providers.begin(), file.providers.end(), same) != file.providers.end()) {
    return Unreadable(kPlace, "a provider stands twice");
  }
  return file;
}

}  // namespace countersign::terraform
