// analyze: what the broker would find in a plan or a command, read and judged here.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "client/cli/app.h"
#include "client/cli/card_rows.h"
#include "client/cli/exit_code.h"
#include "client/cli/finding_card.h"
#include "client/cli/plan_card.h"
#include "client/cli/sarif.h"
#include "client/cli/table.h"
#include "client/cli/terminal_text.h"
#include "core/finding/judge.h"
#include "core/terraform/plan_view.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kFarthestName = 3;  // In edits, for what is taken as a slip of the hand.

struct AnalyzeOptions {
  std::string file;
  std::string environment;
  std::string engine;
  std::string fail_on;
  std::string explain;
  std::string output;
  std::vector<std::string> sensitive;
  bool full = false;
};

// Of a plan or of a command.
struct Analysis {
  std::optional<v1::PlanView> plan;
  v1::Action command;
  std::vector<v1::Finding> findings;
  std::string summary;
};

absl::StatusOr<Analysis> AnalyzePlan(Session& session, const AnalyzeOptions& options) {
  const terraform::Limits limits;
  const auto bytes = ReadInput(session.world(), options.file, limits.file_bytes);
  if (!bytes.ok()) return bytes.status();
  // Two of them, so that it is long enough whatever an id looks like; nobody needs to know it afterwards.
  const std::string salt = session.environment().NewRequestId() + session.environment().NewRequestId();
  terraform::ViewOptions view{.limits = limits, .salt = salt};
  for (const std::string& name : options.sensitive) {
    if (!view.sensitive_attributes.Add(name)) {
      return UsageError(text::Concat("--sensitive takes TYPE.ATTRIBUTE, such as aws_thing.content, and not ",
                                     ShellQuoteAscii(name)));
    }
  }
  auto plan = terraform::ReadPlan(*bytes, view);
  if (!plan.ok()) return plan.status();
  finding::PlanContext context;
  context.has_target = false;
  context.environment = options.environment;
  context.engine = options.engine;
  context.now = session.environment().Now();
  Analysis analysis;
  analysis.findings = finding::JudgePlan(*plan, context);
  analysis.summary = finding::VerdictLine(*plan, analysis.findings, context.memory);
  analysis.plan = *std::move(plan);
  return analysis;
}

Analysis AnalyzeCommand(const std::vector<std::string>& command) {
  Analysis analysis;
  analysis.command.set_kind(v1::COMMAND);
  for (const std::string& argument : command) analysis.command.add_argv(argument);
  analysis.findings = finding::JudgeCommand(analysis.command);
  analysis.summary = finding::VerdictLine(analysis.command, analysis.findings);
  return analysis;
}

void PrintText(Session& session, const AnalyzeOptions& options, const Analysis& analysis) {
  const Detail detail = options.full ? Detail::kFull : Detail::kShort;
  const Findings findings(analysis.findings.begin(), analysis.findings.end());
  Codes forbidden;
  for (const auto& finding : findings) {
    const auto* rule = finding::FindRule(finding.code());
    if (rule != nullptr && rule->forbidden_by_default) *forbidden.Add() = finding.code();
  }
  Print(session.out(), VerdictRows(session, analysis.summary));
  Print(session.out(),
        ForbiddenRows(session, forbidden, findings, "unless policy permits it, nobody may approve this: "));
  Print(session.out(), FindingRows(session, findings, forbidden, detail));
  session.out() << '\n';
  if (analysis.plan.has_value()) {
    Print(session.out(), PlanRows(session, *analysis.plan, detail));
    PrintRow(session, "Not judged",
             "what only the broker knows: whether it is the state that the target had");
  } else {
    PrintRow(session, "Runs", ShellCommand(session.command()));
  }
}

// An object with `summary`, `findings` and `plan` or `action`, each as protobuf writes it.
absl::Status PrintJson(Session& session, const Analysis& analysis) {
  v1::Proposal judgement;  // The message that has a summary and findings.
  judgement.set_summary(analysis.summary);
  for (const auto& finding : analysis.findings) *judgement.add_findings() = finding;
  const auto head = JsonText(judgement);
  if (!head.ok()) return head.status();
  const auto body = analysis.plan.has_value() ? JsonText(*analysis.plan) : JsonText(analysis.command);
  if (!body.ok()) return body.status();
  auto document = nlohmann::ordered_json::parse(*head);
  if (!document.contains("findings")) document["findings"] = nlohmann::ordered_json::array();
  document[analysis.plan.has_value() ? "plan" : "action"] = nlohmann::ordered_json::parse(*body);
  session.out() << EscapeJson(document.dump(1)) << '\n';
  return absl::OkStatus();
}

// 1 when a finding is as bad as that, or of a severity that this version does not know.
int CodeFor(Session& session, const AnalyzeOptions& options, const Analysis& analysis) {
  if (options.fail_on.empty()) return kDone;
  v1::Finding::Severity threshold = v1::Finding::INFO;
  v1::Finding::Severity_Parse(absl::AsciiStrToUpper(options.fail_on), &threshold);
  const auto count = std::count_if(
      analysis.findings.begin(), analysis.findings.end(), [threshold](const v1::Finding& finding) {
        return finding.severity() == v1::Finding::SEVERITY_UNSPECIFIED || finding.severity() >= threshold;
      });
  if (count == 0) return kDone;
  session.err() << count << (count == 1 ? " finding is " : " findings are ")
                << absl::AsciiStrToUpper(options.fail_on) << " or worse\n";
  return kError;
}

// How many letters must be changed, added or taken away to make one of the other.
size_t Distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 0; i < left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < right.size(); ++j) {
      const size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({changed, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

std::vector<std::string> CodesLike(const std::string& code) {
  std::vector<std::string> near;
  for (const auto& rule : finding::RuleTable()) {
    const bool part = !code.empty() && rule.code.find(code) != std::string_view::npos;
    if (part || Distance(code, rule.code) <= kFarthestName) near.emplace_back(rule.code);
  }
  if (!near.empty()) return near;
  for (const auto& rule : finding::RuleTable()) near.emplace_back(rule.code);
  return near;
}

void PrintRule(Session& session, const finding::RuleDescription& rule) {
  PrintRow(session, "Code", rule.code);
  PrintRow(session, "Severity", text::Concat("at worst ", SeverityText(rule.severity)));
  PrintRow(session, "Group", rule.group);
  PrintRow(session, "Means", rule.explanation);
  PrintRow(session, "What to do", rule.resolution);
  PrintRow(session, "Approval",
           rule.forbidden_by_default ? "nobody may approve it unless policy permits this finding"
                                     : "people decide");
}

nlohmann::ordered_json JsonOf(const finding::RuleDescription& rule) {
  return {{"code", std::string(rule.code)},
          {"severity", SeverityText(rule.severity)},
          {"group", std::string(rule.group)},
          {"explanation", std::string(rule.explanation)},
          {"resolution", std::string(rule.resolution)},
          {"forbiddenByDefault", rule.forbidden_by_default}};
}

void PrintRules(Session& session) {
  if (session.json()) {
    nlohmann::ordered_json rules = nlohmann::ordered_json::array();
    for (const auto& rule : finding::RuleTable()) rules.push_back(JsonOf(rule));
    session.out() << nlohmann::ordered_json{{"rules", rules}}.dump(1) << '\n';
    return;
  }
  Table table({"CODE", "AT WORST", "GROUP", "BY DEFAULT"});
  for (const auto& rule : finding::RuleTable()) {
    table.Add({std::string(rule.code), absl::AsciiStrToLower(SeverityText(rule.severity)),
               std::string(rule.group), rule.forbidden_by_default ? "nobody may approve it" : ""});
  }
  table.Print(session.out());
}

absl::StatusOr<int> Explain(Session& session, const std::string& code) {
  if (code == "all") {
    PrintRules(session);
    return kDone;
  }
  const auto* rule = finding::FindRule(code);
  if (rule != nullptr && session.json()) {
    session.out() << JsonOf(*rule).dump(1) << '\n';
    return kDone;
  }
  if (rule != nullptr) {
    PrintRule(session, *rule);
    return kDone;
  }
  return UsageError(text::Concat(ShellQuoteAscii(code), " is not the code of a finding; there are ",
                                 absl::StrJoin(CodesLike(code), ", ")));
}

absl::StatusOr<int> Analyze(Session& session, const AnalyzeOptions& options) {
  if (!options.output.empty()) session.options().output = options.output;
  const bool sarif = options.output == "sarif";
  const int asked = !options.file.empty() + !session.command().empty() + !options.explain.empty();
  if (asked != 1) return UsageError("give a FILE, or a command behind --, or --explain CODE");
  if (!options.explain.empty()) return Explain(session, options.explain);
  const auto analysis = options.file.empty() ? absl::StatusOr<Analysis>(AnalyzeCommand(session.command()))
                                             : AnalyzePlan(session, options);
  if (!analysis.ok()) return analysis.status();
  if (sarif) {
    session.out() << SarifLog(analysis->findings, options.file.empty() ? "command" : options.file);
  } else if (session.json()) {
    if (const auto status = PrintJson(session, *analysis); !status.ok()) return status;
  } else {
    PrintText(session, options, *analysis);
  }
  session.out().flush();
  return CodeFor(session, options, *analysis);
}

}  // namespace

void AddAnalyzeVerb(Verbs& verbs, Session& session) {
  auto options = std::make_shared<AnalyzeOptions>();
  const Verb verb =
      verbs.Add("analyze", "Read and judge a saved plan or a command here, without a broker or a profile",
                "  terraform plan -out=plan.tfplan && countersign analyze plan.tfplan\n"
                "  countersign analyze plan.tfplan --fail-on high --output sarif > plan.sarif\n"
                "  countersign analyze - < plan.tfplan --output json | jq -r '.findings[].code'\n"
                "  countersign analyze -- psql -c 'DROP TABLE courses'\n"
                "  countersign analyze --explain state-lineage-changed",
                [&session, options] { return Analyze(session, *options); });
  verb.Option("FILE", &options->file, "A saved plan; - is standard input");
  verb.Option("--environment", &options->environment, "What it is for, such as production");
  verb.Option("--engine", &options->engine, "What it is to be applied with: terraform or tofu",
              {.values = {"terraform", "tofu"}});
  verb.Option("--fail-on", &options->fail_on,
              "Exit with 1 when a finding is so bad or worse: info, warning, high or critical",
              {.type_name = "SEVERITY", .values = {"info", "warning", "high", "critical"}, .any_case = true});
  verb.Option("--explain", &options->explain,
              "Say what a finding means and what to do about it; all lists them", {.type_name = "CODE"});
  verb.Option("-o,--output", &options->output,
              "text, json (summary, findings and all that was read) or sarif (2.1.0)",
              {.type_name = "FORMAT", .values = {"text", "json", "sarif"}});
  verb.Option("--sensitive", &options->sensitive,
              "An attribute that is hidden beside those that the plan marks or names like secrets; may be "
              "given more than once",
              {.type_name = "TYPE.ATTRIBUTE"});
  verb.Flag("--full", &options->full, "All attributes and all that is left out otherwise");
}

}  // namespace countersign::cli
