#include "client/cli/exec/plan_execution.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "client/cli/exec/approved_files.h"
#include "client/cli/exec/plan_environment.h"
#include "client/cli/exec/report.h"
#include "client/cli/exec/state_check.h"
#include "client/cli/exec/terraform.h"
#include "client/cli/exec/terraform_directory.h"
#include "client/cli/exit_code.h"
#include "client/cli/terminal_text.h"
#include "core/error/error.h"
#include "core/terraform/plan_comparison.h"
#include "core/terraform/plan_view.h"
#include "core/text/text.h"
#include "countersign/token.h"

namespace countersign::cli {
namespace {

constexpr char kPlanFile[] = "approved.tfplan";
constexpr char kSettingsFile[] = "terraform.rc";
constexpr int kMostResources = 20'000;
constexpr size_t kMostStateBytes = 3 << 20;
constexpr size_t kMostDifferences = 30;
constexpr size_t kDifferenceColumns = 400;

// What decides where a plan comes from and goes to, which is ours to say, and what gives success another exit
// code.
constexpr std::string_view kRefusedPlanArguments[] = {
    "backup", "chdir", "detailed-exitcode", "generate-config-out", "h", "help", "input", "lock",
    "out",    "state", "state-out",
};

absl::Status CheckPlanArguments(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    std::string_view name = argument;
    if (!text::ConsumePrefix(&name, "-")) continue;
    text::ConsumePrefix(&name, "-");
    name = name.substr(0, name.find('='));
    if (std::find(std::begin(kRefusedPlanArguments), std::end(kRefusedPlanArguments), name) ==
        std::end(kRefusedPlanArguments)) {
      continue;
    }
    return UsageError(
        text::Concat("exec itself says where the fresh plan goes and how it is made: leave out ",
                     ShellQuoteAscii(argument)));
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const ExecOptions& options, const std::vector<std::string>& arguments) {
  if (options.replan) return CheckPlanArguments(arguments);
  if (arguments.empty()) return absl::OkStatus();
  return UsageError("a saved plan takes no arguments; those behind -- are for planning again, with --replan");
}

// The plan that was approved, on our disk.
struct ApprovedPlan {
  PrivateDirectory directory;
  std::string bytes;
  v1::PlanView view;
  std::string salt;  // Views that are compared with this one need the same.
  std::string action_digest;
};

// What is about to run, as an action of our own making: from the bytes on our disk.
absl::StatusOr<std::string> DigestOfWhatWillRun(const v1::Proposal& proposal, std::string_view bytes) {
  v1::Action action;
  action.set_kind(v1::TERRAFORM_PLAN);
  action.set_target(proposal.action().target());
  auto* reference = action.add_artifacts();
  reference->set_digest(ComputeDigest(bytes));
  reference->set_file_name(proposal.action().artifacts(0).file_name());
  return ComputeActionDigest(action);
}

absl::StatusOr<ApprovedPlan> BringPlan(const ExecutionContext& context, const v1::Proposal& proposal) {
  if (proposal.action().artifacts_size() != 1) {
    return absl::FailedPreconditionError("what was approved is not one saved plan");
  }
  auto directory = MakePrivateDirectory(context.session);
  if (!directory.ok()) return directory.status();
  absl::Status status =
      BringArtifact(context, proposal, proposal.action().artifacts(0), kPlanFile, &*directory);
  if (!status.ok()) return status;
  status = directory->Write(kSettingsFile, [](const auto& sink) { return sink(kTerraformSettings); });
  if (!status.ok()) return status;
  auto bytes = directory->Read(kPlanFile, terraform::Limits().file_bytes);
  if (!bytes.ok()) return bytes.status();
  auto digest = DigestOfWhatWillRun(proposal, *bytes);
  if (!digest.ok()) return digest.status();
  Environment& environment = context.session.environment();
  const std::string salt = text::Concat(environment.NewRequestId(), environment.NewRequestId());
  auto view = terraform::ReadPlan(*bytes, {.limits = {}, .salt = salt});
  if (!view.ok()) return view.status();
  if (view->errored()) {
    return absl::FailedPreconditionError(
        "planning met an error, so Terraform refuses to apply this plan; plan again");
  }
  return ApprovedPlan{*std::move(directory), *std::move(bytes), *std::move(view), salt, *std::move(digest)};
}

// Terraform as it is on this machine. `name` is what it is looked up by.
std::string TerraformName(const ExecOptions& options, const v1::PlanView& plan) {
  if (!options.terraform.empty()) return options.terraform;
  return plan.engine() == "tofu" ? "tofu" : "terraform";
}

absl::StatusOr<std::map<std::string, std::string>> EnvironmentFor(const ExecutionContext& context,
                                                                  const ApprovedPlan& approved,
                                                                  const ExecOptions& options) {
  const std::string& home = approved.directory.path();
  auto environment =
      BuildPlanEnvironment(approved.view, options.passed_variables, ProgramPathOf(options),
                           text::Concat(home, "/", kSettingsFile), context.session.world().variable);
  if (environment.ok()) environment->emplace("HOME", home);
  return environment;
}

void PrintDifferences(std::ostream& out, const std::vector<std::string>& differences) {
  const size_t shown = std::min(differences.size(), kMostDifferences);
  for (size_t i = 0; i < shown; ++i) {
    out << "  " << Shorten(EscapeLine(differences[i]), kDifferenceColumns) << '\n';
  }
  if (shown < differences.size()) out << "  and " << differences.size() - shown << " more\n";
  out.flush();
}

// Chooses the plan file that is applied, and says whether the world still is the one that it was made for.
class PlanChoice {
 public:
  // Borrows everything.
  PlanChoice(const ExecutionContext& context, const v1::Proposal& proposal, const ExecOptions& options,
             const ApprovedPlan& approved, const Terraform& terraform)
      : context_(context),
        proposal_(proposal),
        options_(options),
        approved_(approved),
        terraform_(terraform),
        file_(kPlanFile) {}

  // To be called before each claim: a target that was busy has another state afterwards.
  absl::Status Prepare() { return options_.replan ? Replan() : CheckCurrentState(); }

  std::string path() const { return text::Concat(approved_.directory.path(), "/", file_); }

 private:
  absl::Status CheckCurrentState() const;
  absl::Status Replan();
  absl::Status CheckFresh(const v1::PlanView& fresh) const;
  absl::Status CheckFreshState(const v1::PlanState& fresh) const;

  const ExecutionContext& context_;
  const v1::Proposal& proposal_;
  const ExecOptions& options_;
  const ApprovedPlan& approved_;
  const Terraform& terraform_;
  std::string file_;
  int tries_ = 0;
};

absl::Status PlanChoice::CheckCurrentState() const {
  const auto pulled = terraform_.PullState();
  if (!pulled.ok()) return pulled.status();
  return CheckState(approved_.view, approved_.bytes, (*pulled)->state());
}

absl::Status PlanChoice::Replan() {
  file_ = text::Concat("fresh-", ++tries_, ".tfplan");
  context_.session.err() << "countersign: planning again" << std::endl;
  absl::Status status = terraform_.Plan(path(), context_.session.command());
  if (status.ok()) status = approved_.directory.Protect(file_);
  if (!status.ok()) return status;
  const auto bytes = approved_.directory.Read(file_, terraform::Limits().file_bytes);
  if (!bytes.ok()) return bytes.status();
  const auto fresh = terraform::ReadPlan(*bytes, {.limits = {}, .salt = approved_.salt});
  if (!fresh.ok()) return fresh.status();
  return CheckFresh(*fresh);
}

absl::Status PlanChoice::CheckFresh(const v1::PlanView& fresh) const {
  if (fresh.errored()) return absl::FailedPreconditionError("planning again met an error");
  const absl::Status state = CheckFreshState(fresh.state());
  if (!state.ok()) return state;
  if (fresh.mode() == v1::NO_CHANGES && !fresh.applyable()) {
    return absl::FailedPreconditionError("nothing left to do: the approved changes are already there");
  }
  const terraform::PlanComparison comparison = terraform::ComparePlans(approved_.view, fresh);
  std::ostream& err = context_.session.err();
  if (comparison.same) {
    err << "countersign: the fresh plan does what was approved" << std::endl;
    return absl::OkStatus();
  }
  if (comparison.subset && proposal_.requirement().subset_allowed()) {
    err << "countersign: the fresh plan does less than the approved one, which policy allows:\n";
    PrintDifferences(err, comparison.differences);
    return absl::OkStatus();
  }
  err << "countersign: the fresh plan is not the approved one:\n";
  PrintDifferences(err, comparison.differences);
  return error::Make(v1::PLAN_STALE,
                     comparison.subset
                         ? "the fresh plan does less than the approved one, and policy does not allow that"
                         : "the fresh plan does other things than the approved one");
}

absl::Status PlanChoice::CheckFreshState(const v1::PlanState& fresh) const {
  const v1::PlanState& approved = approved_.view.state();
  const auto text = [](const v1::PlanState& state) {
    return text::Concat(state.lineage(), " at serial ", state.serial());
  };
  if (fresh.lineage() != approved.lineage()) {
    if (fresh.lineage().empty()) {
      return error::Make(v1::STATE_MISSING, text::Concat("the approved plan was made on the state ",
                                                         text(approved), ", and there is no state here"));
    }
    return error::Make(
        v1::STATE_LINEAGE_CHANGED,
        text::Concat("the approved plan was made ",
                     approved.lineage().empty() ? "without a state" : "on the state " + text(approved),
                     ", and the one here is another: ", text(fresh)));
  }
  if (fresh.serial() >= approved.serial()) return absl::OkStatus();
  return error::Make(v1::STATE_SERIAL_REGRESSED,
                     text::Concat("the approved plan was made on the state ", text(approved),
                                  ", and the one here is older: ", text(fresh)));
}

// Leaves out resources beyond what a report can carry; how many there are is in it all the same.
void Shorten(v1::PlanState* state) {
  auto* resources = state->mutable_resources();
  size_t bytes = 0;
  int fitting = 0;
  while (fitting < resources->size() && fitting < kMostResources) {
    constexpr size_t kFraming = 8;
    bytes += resources->Get(fitting).ByteSizeLong() + kFraming;
    if (bytes > kMostStateBytes) break;
    ++fitting;
  }
  resources->DeleteSubrange(fitting, resources->size() - fitting);
}

// What the broker is to remember of the target.
void AddState(Session& session, const Terraform& terraform, v1::ReportExecutionRequest* report) {
  const auto pulled = terraform.PullState();
  if (pulled.ok() && (*pulled)->state() != nullptr) {
    *report->mutable_state() = terraform::SummarizeState(*(*pulled)->state());
    Shorten(report->mutable_state());
    return;
  }
  session.err() << "countersign: the broker does not learn which state this left: "
                << (pulled.ok() ? "there is none" : EscapeLine(text::MessageOf(pulled.status())))
                << std::endl;
}

}  // namespace

absl::StatusOr<int> ExecutePlan(const ExecutionContext& context, const v1::Proposal& proposal,
                                const ExecOptions& options) {
  absl::Status status = CheckOptions(options, context.session.command());
  if (!status.ok()) return status;
  const auto directory = TerraformDirectory::Open(options.directory.empty() ? "." : options.directory);
  if (!directory.ok()) return directory.status();
  const auto approved = BringPlan(context, proposal);
  if (!approved.ok()) return approved.status();
  auto environment = EnvironmentFor(context, *approved, options);
  if (!environment.ok()) return environment.status();
  status = directory->CheckLockFile(approved->view.configuration());
  if (status.ok()) status = directory->CheckBackend(approved->view.backend());
  if (!status.ok()) return status;
  const std::string name = TerraformName(options, approved->view);
  const auto program = OpenProgram(name, ProgramPathOf(options));
  if (!program.ok()) return program.status();
  const Terraform terraform(name, *program, *std::move(environment), *directory, context.relay);
  status = terraform.CheckVersion(approved->view.terraform_version());
  if (!status.ok()) return status;

  PlanChoice choice(context, proposal, options, *approved, terraform);
  const auto leave =
      TakeTurn(context, proposal, approved->action_digest, [&choice] { return choice.Prepare(); });
  if (!leave.ok()) return leave.status();
  Command apply = terraform.Apply(choice.path());
  apply.kept = approved->directory.descriptor();
  return RunAndReport(context, *leave, apply, [&](v1::ReportExecutionRequest* report) {
    AddState(context.session, terraform, report);
  });
}

}  // namespace countersign::cli
