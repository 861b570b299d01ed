#include "client/cli/exec/terraform.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "client/cli/exec/captured_output.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr uint64_t kMostVersionBytes = 1 << 20;
constexpr uint64_t kMostStateBytes = 512 << 20;

}  // namespace

absl::Status PulledState::Read(const terraform::NextChunk& next_chunk) {
  auto state = terraform::ReadState(next_chunk, &arena_, limits_, "state");
  if (!state.ok()) return state.status();
  // Some backends print an empty state where there is none, others nothing.
  if (!state->lineage.empty() || state->serial != 0 || !state->objects.empty()) state_ = *std::move(state);
  return absl::OkStatus();
}

Command Terraform::Make(const std::vector<std::string>& arguments, int output) const {
  std::vector<std::string> argv = {name_, text::Concat("-chdir=", directory_.path())};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return {program_, std::move(argv), environment_, directory_.descriptor(), output};
}

absl::Status Terraform::Run(const Command& command) const {
  const Outcome outcome = RunCommand(command, relay_);
  const std::string line = absl::StrJoin(command.argv, " ");
  if (!outcome.problem.empty()) {
    return absl::FailedPreconditionError(
        text::Concat("`", line, "` could not be started: ", outcome.problem));
  }
  if (outcome.exit_code == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(text::Concat("`", line, "` ended with ", outcome.exit_code,
                                                    "; it says above why. Was `terraform init` run there?"));
}

absl::Status Terraform::CheckVersion(const std::string& planned) const {
  auto output = CapturedOutput::Create();
  if (!output.ok()) return output.status();
  if (const auto status = Run(Make({"version", "-json"}, output->descriptor())); !status.ok()) return status;
  const auto text = output->ReadAll(kMostVersionBytes);
  if (!text.ok()) return text.status();
  const auto facts = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  const auto version = facts.is_object() ? facts.find("terraform_version") : facts.end();
  if (!facts.is_object() || version == facts.end() || !version->is_string()) {
    return absl::FailedPreconditionError(
        text::Concat(program_.path(), " does not say its version as Terraform does; is it Terraform?"));
  }
  const auto& found = version->get_ref<const std::string&>();
  if (found == planned) return absl::OkStatus();
  return absl::FailedPreconditionError(
      text::Concat("the plan was made by ", planned, ", this runner has ", found, " (", program_.path(),
                   "); Terraform applies plans of its own version only, so name another with --terraform, or "
                   "plan again"));
}

absl::StatusOr<std::unique_ptr<PulledState>> Terraform::PullState() const {
  auto output = CapturedOutput::Create();
  if (!output.ok()) return output.status();
  if (const auto status = Run(Make({"state", "pull"}, output->descriptor())); !status.ok()) return status;
  const auto size = output->Size();
  if (!size.ok()) return size.status();
  auto pulled = std::make_unique<PulledState>();
  if (*size == 0) return pulled;
  const auto status = pulled->Read([&output] { return output->Next(kMostStateBytes); });
  if (!status.ok()) return status;
  return pulled;
}

absl::Status Terraform::Plan(const std::string& path, const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = {"plan", "-input=false", "-lock=true", "-no-color",
                                  text::Concat("-out=", path)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Descriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!nowhere.is_open()) return absl::InternalError(text::Concat("/dev/null: ", std::strerror(errno)));
  return Run(Make(all, nowhere.get()));
}

Command Terraform::Apply(const std::string& path) const {
  return Make({"apply", "-input=false", "-lock=true", "-no-color", path}, -1);
}

}  // namespace countersign::cli
