#include "client/cli/sarif.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "client/cli/finding_card.h"
#include "client/cli/terminal_text.h"
#include "core/finding/judge.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

using Json = nlohmann::ordered_json;

const char* LevelOf(v1::Finding::Severity severity) {
  switch (severity) {
    case v1::Finding::INFO:
      return "note";
    case v1::Finding::WARNING:
      return "warning";
    default:
      return "error";
  }
}

// As a reference relative to where the program runs, or absolute.
std::string UriOf(const std::string& path) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri = path.rfind('/', 0) == 0 ? "file://" : "";
  for (const char c : path == "-" ? std::string("stdin") : path) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      uri += absl::StrFormat("%%%02X", static_cast<unsigned char>(c));
    }
  }
  return uri;
}

Json RuleOf(const finding::RuleDescription& rule) {
  return {{"id", std::string(rule.code)},
          {"shortDescription", {{"text", std::string(rule.explanation)}}},
          {"help", {{"text", std::string(rule.resolution)}}},
          {"defaultConfiguration", {{"level", LevelOf(rule.severity)}}},
          {"properties",
           {{"group", std::string(rule.group)},
            {"severity", SeverityText(rule.severity)},
            {"forbiddenByDefault", rule.forbidden_by_default}}}};
}

Json LocationOf(const v1::Evidence& evidence, const std::string& uri) {
  Json location = {{"physicalLocation", {{"artifactLocation", {{"uri", uri}}}}}};
  if (evidence.address().empty()) return location;
  Json logical = {{"fullyQualifiedName", evidence.address()}, {"kind", "resource"}};
  location["logicalLocations"] = Json::array({std::move(logical)});
  std::string text = evidence.path();
  if (!evidence.value().empty()) text += text::Concat(text.empty() ? "" : ": ", evidence.value());
  if (!text.empty()) location["message"] = {{"text", text}};
  return location;
}

std::string MessageOf(const v1::Finding& finding) {
  return finding.resolution().empty() ? finding.sentence()
                                      : text::Concat(finding.sentence(), " ", finding.resolution());
}

Json ResultOf(const v1::Finding& finding, const std::string& uri) {
  Json result = {{"ruleId", finding.code()}};
  const auto& rules = finding::RuleTable();
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].code == finding.code()) result["ruleIndex"] = i;
  }
  result["level"] = LevelOf(finding.severity());
  result["message"] = {{"text", MessageOf(finding)}};
  Json locations = Json::array();
  for (const auto& evidence : finding.evidence()) locations.push_back(LocationOf(evidence, uri));
  if (locations.empty()) locations.push_back(LocationOf(v1::Evidence(), uri));
  result["locations"] = std::move(locations);
  result["properties"] = {{"severity", SeverityText(finding.severity())},
                          {"evidenceOmitted", finding.evidence_omitted()}};
  return result;
}

}  // namespace

std::string SarifLog(const std::vector<v1::Finding>& findings, const std::string& path) {
  Json rules = Json::array();
  for (const auto& rule : finding::RuleTable()) rules.push_back(RuleOf(rule));
  Json results = Json::array();
  const std::string uri = UriOf(path);
  for (const auto& finding : findings) results.push_back(ResultOf(finding, uri));
  Json driver = {{"name", "countersign"}, {"semanticVersion", COUNTERSIGN_VERSION}};
  driver["rules"] = std::move(rules);
  Json run = {{"tool", {{"driver", std::move(driver)}}}};
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = std::move(results);
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({std::move(run)})}};
  return EscapeJson(log.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace countersign::cli
