// The verdict line. Written for somebody who is tired: first what cannot be undone, by the names that people
// use, then how much of it there is.
#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "core/finding/command_line.h"
#include "core/finding/fate.h"
#include "core/finding/judge.h"
#include "core/finding/plan_facts.h"
#include "core/finding/wording.h"
#include "core/text/text.h"

namespace countersign::finding {
namespace {

using Holds = ResourceType::Holds;
using v1::Finding;

constexpr size_t kVerdictBytes = 300;
constexpr size_t kNameBytes = 48;
constexpr size_t kCommandBytes = 120;

// Sentences as far as there is room for whole ones; the first is cut rather than left out.
class Line {
 public:
  void Add(std::string_view sentence) {
    const std::string one = OneLine(sentence);
    if (one.empty()) return;
    if (text_.empty()) {
      text_ = Cut(one, kVerdictBytes);
    } else if (one.size() < room()) {
      absl::StrAppend(&text_, " ", one);
    }
  }
  size_t room() const { return kVerdictBytes - text_.size(); }
  bool empty() const { return text_.empty(); }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

const Finding* Find(const std::vector<Finding>& findings, std::string_view code) {
  const auto at = std::find_if(findings.begin(), findings.end(),
                               [code](const Finding& finding) { return finding.code() == code; });
  return at == findings.end() ? nullptr : &*at;
}

// The sentence of the first of `codes` that was found. One is enough: they tell of the same mistake.
std::string First(const std::vector<Finding>& findings, std::initializer_list<std::string_view> codes) {
  for (const std::string_view code : codes) {
    const Finding* finding = Find(findings, code);
    if (finding != nullptr) return OneLine(finding->sentence());
  }
  return "";
}

void AddFirst(const std::vector<Finding>& findings, std::initializer_list<std::string_view> codes,
              Line* line) {
  line->Add(First(findings, codes));
}

std::string ShortDescription(const ChangeFact& fact) {
  if (fact.type == nullptr) return Cut(NameOf(fact), kNameBytes);
  return text::Concat(fact.type->what, " ", Cut(NameOf(fact), kNameBytes));
}

// What is lost for good, of the deletions that lose anything.
struct Losses {
  std::vector<ChangeFact> data;  // The worst three.
  int64_t count = 0;
  bool backups = false;    // Automated backups go too, of some.
  bool snapshots = false;  // No final snapshot, of some.
  bool for_good = false;   // Nothing keeps a copy, of some.
};

bool LosesData(const ChangeFact& fact) {
  if (fact.type == nullptr) return ResourceTypes::Get().SoundsLikeData(fact.change->type());
  return fact.Holds(Holds::kData) || fact.Holds(Holds::kKey) || fact.Holds(Holds::kBackup);
}

// Of `facts` the worst come first.
Losses LossesOf(const std::vector<ChangeFact>& facts) {
  Losses losses;
  for (const ChangeFact& fact : facts) {
    if (!fact.deletes || !LosesData(fact)) continue;
    ++losses.count;
    const bool worst = fact.type != nullptr && fact.type->severity == Finding::CRITICAL;
    if (losses.data.size() < 3) losses.data.push_back(fact);
    if (fact.type == nullptr) continue;
    const Fate snapshot = FateOf(fact.type->final_snapshot, *fact.change);
    losses.backups |= MayBeLost(FateOf(fact.type->automated_backups, *fact.change));
    losses.snapshots |= MayBeLost(snapshot);
    losses.for_good |=
        worst && snapshot != Fate::kKept && FateOf(fact.type->force_destroy, *fact.change) != Fate::kKept;
  }
  return losses;
}

// "Deletes database courses-prod and its automated backups; no final snapshot. Nothing can bring it back."
std::string LossSentence(const Losses& losses, size_t most_names) {
  if (losses.count == 0) return "";
  std::vector<std::string> names;
  for (const ChangeFact& fact : losses.data) {
    if (names.size() < most_names) names.push_back(ShortDescription(fact));
  }
  const bool one = losses.count == 1;
  std::string sentence = text::Concat("Deletes ", ListOf(names, losses.count));
  if (losses.backups)
    absl::StrAppend(&sentence, one ? " and its automated backups" : ", with automated backups");
  if (losses.snapshots) absl::StrAppend(&sentence, "; no final snapshot");
  absl::StrAppend(&sentence, ".");
  if (losses.for_good)
    absl::StrAppend(&sentence, one ? " Nothing can bring it back." : " Nothing can bring them back.");
  return sentence;
}

// What is lost comes first, and why the plan is not what it seems has its place in any case: the fewer names.
void AddLosses(const Losses& losses, const std::string& deception, Line* line) {
  size_t names = losses.data.size();
  while (names > 1 && LossSentence(losses, names).size() + deception.size() >= line->room()) --names;
  line->Add(LossSentence(losses, names));
  line->Add(Cut(deception, line->room() - 1));
}

int64_t Count(const std::vector<ChangeFact>& facts, bool (*which)(const ChangeFact&)) {
  return std::count_if(facts.begin(), facts.end(), which);
}

// "Deletes 14 of 14 resources. Creates 2, changes 1."
void AddScale(const v1::PlanView& plan, const std::vector<ChangeFact>& facts, Line* line) {
  const int64_t deletes = Count(facts, [](const ChangeFact& fact) { return fact.deletes && !fact.creates; });
  const int64_t state = std::max<int64_t>(plan.state().resource_count(), plan.state().resources_size());
  if (deletes > 0) line->Add(text::Concat("Deletes ", deletes, " of ", CountOf(state, "resource"), "."));
  const std::pair<std::string_view, int64_t> parts[] = {
      {"replaces ", Count(facts, [](const ChangeFact& fact) { return fact.Replaces(); })},
      {"lets go of ", Count(facts, [](const ChangeFact& fact) { return fact.forgets; })},
      {"creates ", Count(facts, [](const ChangeFact& fact) { return fact.creates && !fact.deletes; })},
      {"changes ", Count(facts, [](const ChangeFact& fact) { return fact.updates; })},
  };
  std::string sentence;
  for (const auto& [verb, count] : parts) {
    if (count > 0) sentence += text::Concat(sentence.empty() ? "" : ", ", verb, count);
  }
  if (sentence.empty()) return;
  sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  line->Add(text::Concat(
      sentence, " ",
      sentence.find(',') == std::string::npos && sentence.ends_with(" 1") ? "resource." : "resources."));
}

std::string ShortCommand(std::string_view command) { return Cut(OneLine(command), kCommandBytes); }

}  // namespace

std::string VerdictLine(const v1::PlanView& plan, const std::vector<Finding>& findings,
                        const v1::TargetMemory* memory) {
  const std::vector<ChangeFact> facts = FactsOf(plan, memory);
  Line line;
  const Losses losses = LossesOf(facts);
  AddLosses(losses,
            First(findings, {"state-missing", "state-lineage-changed", "state-serial-regressed",
                             "state-content-differs", "creates-known-resources", "imports-known-resources"}),
            &line);
  AddFirst(findings,
           {"before-differs-from-state", "state-object-without-change", "plan-errored", "engine-mismatch",
            "state-shrunk"},
           &line);
  if (!losses.backups) AddFirst(findings, {"automated-backups-deleted"}, &line);
  AddScale(plan, facts, &line);
  AddFirst(findings, {"gone-not-recreated"}, &line);
  AddFirst(findings, {"protection-removed"}, &line);
  AddFirst(findings, {"drift-weakens"}, &line);
  for (const std::string_view code : {"provisioner", "external-program", "action-invocation",
                                      "provider-differs-from-state", "provider-changed"}) {
    const Finding* finding = Find(findings, code);
    if (finding != nullptr && finding->severity() >= Finding::HIGH) line.Add(finding->sentence());
  }
  AddFirst(findings, {"iam-wildcard", "public-ingress", "public-bucket"}, &line);
  if (line.empty()) {
    line.Add(plan.action_invocations().empty() ? "Changes no resource." : "Runs actions of providers.");
  }
  return line.Take();
}

std::string VerdictLine(const v1::Action& command, const std::vector<Finding>& findings) {
  const CommandVerdict verdict = JudgeArguments(command);
  Line line;
  if (verdict.commands.empty()) {
    line.Add("Runs nothing that can be told from its arguments.");
    return line.Take();
  }
  const JudgedCommand& worst = verdict.commands.front();
  line.Add(text::Concat("Runs ", ShortCommand(worst.text), ": ", worst.what, "."));
  const Finding* environment = Find(findings, "environment-override");
  if (environment != nullptr) line.Add(environment->sentence());
  const auto others = static_cast<int64_t>(verdict.commands.size()) - 1;
  if (others > 0) line.Add(text::Concat("And runs ", CountOf(others, "other program"), "."));
  return line.Take();
}

}  // namespace countersign::finding
