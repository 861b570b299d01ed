#include "client/cli/session.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <fstream>
#include <istream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/time/time.h"
#include "client/cli/exit_code.h"
#include "client/cli/hint.h"
#include "client/cli/terminal_text.h"
#include "core/error/error.h"
#include "core/text/text.h"

namespace countersign::cli {
namespace {

constexpr size_t kIdLength = 24;
constexpr int kMostMatchesListed = 5;
constexpr size_t kFewestColumns = 24;  // For the labels and something beside them.
constexpr std::string_view kNamePrefix = "proposals/";
constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz234567";

Tone ToneOf(v1::Proposal::State state) {
  switch (ExitCodeOf(state)) {
    case kDone:
      return Tone::kGood;
    case kStillPending:
      return Tone::kCareful;
    default:
      return Tone::kBad;
  }
}

std::string_view StartOf(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kStrong:
      return "\x1b[1m";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kCareful:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

absl::StatusOr<Profile> Session::profile() {
  if (profile_ == nullptr) {
    auto profile = LoadProfile(
        {.name = options_.profile, .config_file = options_.config_file, .environment = world_.variable});
    if (!profile.ok()) return profile.status();
    profile_ = std::make_unique<Profile>(*std::move(profile));
  }
  return *profile_;
}

absl::StatusOr<Client*> Session::client() {
  if (client_ == nullptr) {
    const auto found = profile();
    if (!found.ok()) return found.status();
    auto client = world_.connect(found->connect);
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
  }
  return client_.get();
}

absl::StatusOr<std::string> Session::ResolveName(const std::string& text) {
  std::string_view id = text;
  if (id.substr(0, kNamePrefix.size()) == kNamePrefix) id.remove_prefix(kNamePrefix.size());
  if (id.empty() || id.size() > kIdLength || id.find_first_not_of(kIdLetters) != std::string_view::npos) {
    return UsageError(text::Concat(ShellQuote(text), " is not a proposal's id: up to 24 of a-z and 2-7"));
  }
  if (id.size() == kIdLength) return text::Concat(kNamePrefix, id);
  const auto connected = client();
  if (!connected.ok()) return connected.status();
  v1::ListProposalsRequest request;
  request.set_id_prefix(std::string(id));
  request.set_page_size(kMostMatchesListed + 1);
  const auto matches = (*connected)->ListProposals(request, InteractiveCall());
  if (!matches.ok()) return matches.status();
  if (matches->proposals_size() == 0)
    return error::Make(v1::NOT_FOUND, text::Concat("no proposal begins with ", id));
  if (matches->proposals_size() == 1) return matches->proposals(0).name();
  std::string message = text::Concat(id, " is the beginning of several proposals:");
  for (int i = 0; i < std::min(kMostMatchesListed, matches->proposals_size()); ++i) {
    message += text::Concat(i == 0 ? " " : ", ", IdOf(matches->proposals(i)));
  }
  if (matches->proposals_size() > kMostMatchesListed) message += " and more";
  return UsageError(message);
}

absl::StatusOr<v1::Proposal> Session::Find(const std::string& id) {
  const auto name = ResolveName(id);
  if (!name.ok()) return name.status();
  const auto connected = client();
  if (!connected.ok()) return connected.status();
  return (*connected)->GetProposal(*name, InteractiveCall());
}

// Some terminals wrap a line that ends in their last column.
size_t Session::columns() const { return std::max(world_.columns, kFewestColumns) - 1; }

absl::Status Session::PrintJson(const google::protobuf::Message& message, bool one_line) {
  const auto text = JsonText(message, one_line);
  if (!text.ok()) return text.status();
  out() << EscapeJson(*text) << (one_line ? "\n" : "");
  out().flush();
  return absl::OkStatus();
}

bool Session::colored() const {
  const char* no_color = world_.variable("NO_COLOR");
  return world_.out_is_terminal && (no_color == nullptr || *no_color == '\0');
}

std::string Session::Painted(std::string_view text, Tone tone) const {
  if (!colored() || tone == Tone::kPlain || text.empty()) return EscapeLine(text);
  return text::Concat(StartOf(tone), EscapeLine(text), "\x1b[0m");
}

std::string Session::Colored(v1::Proposal::State state) const {
  return Painted(v1::Proposal::State_Name(state), ToneOf(state));
}

absl::Status Session::Confirm(const std::string& question, const std::string& otherwise,
                              const std::string& expected) {
  out().flush();
  const auto answer =
      world_.terminal.Ask(text::Concat(question, " Type ", EscapeLine(expected), " to go on: "));
  if (answer.ok()) {
    return *answer == expected ? absl::OkStatus()
                               : absl::CancelledError("not confirmed, so nothing was done");
  }
  if (answer.status().code() != absl::StatusCode::kUnavailable) return answer.status();
  return absl::FailedPreconditionError(
      text::Concat("this asks a human at a terminal, and there is none; nothing was done. ", otherwise));
}

void Session::ShowProgress(std::string_view text) {
  if (!world_.err_is_terminal || json()) return;
  err() << "\r\x1b[K" << EscapeLine(text) << std::flush;
  progress_shown_ = true;
}

void Session::EndProgress() {
  if (progress_shown_) err() << "\r\x1b[K" << std::flush;
  progress_shown_ = false;
}

int Session::Fail(const absl::Status& status) {
  EndProgress();
  const v1::Reason reason = error::ReasonOf(status);
  const std::string hint = HintFor(status);
  if (json()) {
    nlohmann::json details = {{"code", absl::StatusCodeToString(status.code())},
                              {"message", text::MessageOf(status)}};
    if (reason != v1::REASON_UNSPECIFIED) details["reason"] = v1::Reason_Name(reason);
    if (const auto field = error::FieldOf(status); field.has_value()) details["field"] = *field;
    if (!hint.empty()) details["hint"] = hint;
    constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
    err() << EscapeJson(nlohmann::json{{"error", details}}.dump(2, ' ', false, kReplace)) << '\n';
  } else {
    err() << "error: " << EscapeLine(text::MessageOf(status)) << '\n';
    if (!hint.empty()) err() << "hint: " << hint << '\n';
  }
  return ExitCodeOf(status);
}

std::string TargetName(const std::string& target) {
  return target.empty() || target.rfind("targets/", 0) == 0 ? target : text::Concat("targets/", target);
}

std::string IdOf(const v1::Proposal& proposal) {
  const std::string& name = proposal.name();
  return name.rfind(kNamePrefix, 0) == 0 ? name.substr(kNamePrefix.size()) : name;
}

std::string ShortPrincipal(const std::string& principal) {
  constexpr std::string_view kScheme = "spiffe://";
  if (principal.rfind(kScheme, 0) != 0) return principal;
  const size_t slash = principal.find('/', kScheme.size());
  return slash == std::string::npos ? principal : principal.substr(slash + 1);
}

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration()) {
    return UsageError(
        text::Concat(ShellQuote(text), " is not a duration; write for example 90s, 10m or 1h30m"));
  }
  return duration;
}

absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message, bool one_line) {
  google::protobuf::util::JsonPrintOptions format;
  format.add_whitespace = !one_line;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, format);
  if (!status.ok()) return absl::InternalError("the answer cannot be written as JSON");
  return text;
}

absl::StatusOr<std::string> ReadInput(World& world, const std::string& path, size_t limit) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? world.in : file;
  if (!in) return absl::NotFoundError(text::Concat("cannot read the file ", path));
  std::string bytes(limit + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(in.gcount()));
  if (in.bad() || (bytes.empty() && path != "-" && !in.eof())) {
    return absl::NotFoundError(text::Concat("cannot read the file ", path));
  }
  if (bytes.size() > limit)
    return absl::InvalidArgumentError(text::Concat(path, " is larger than ", limit, " bytes"));
  return bytes;
}

}  // namespace countersign::cli
