#include <algorithm>
#include <stop_token>
#include <unordered_map>

#include "client/src/grpc_client.h"
#include "core/text/text.h"

namespace countersign {
namespace {

constexpr absl::Duration kPoll = absl::Seconds(20);
constexpr absl::Duration kShortestPoll = absl::Milliseconds(1);  // None would mean the broker's default.
// What an answer may take beyond the poll before the connection counts as dead.
constexpr absl::Duration kGrace = absl::Seconds(10);
// A stream that lives longer than this is made anew, so none can be stuck for ever.
constexpr absl::Duration kLongestStream = absl::Minutes(5);
constexpr size_t kMostRemembered = 10'000;

absl::Status Cancelled() { return absl::CancelledError("the caller called it off"); }

absl::Status GaveUp(const WaitProgress& progress, const std::string& name, const WaitOptions& options) {
  if (!progress.interruption.ok()) {
    return absl::UnavailableError(text::Concat("the broker was out of reach when the time to wait for ", name,
                                               " was over: ", progress.interruption.message()));
  }
  return absl::DeadlineExceededError(text::Concat(name, " is still ",
                                                  v1::Proposal::State_Name(options.while_state), " after ",
                                                  absl::FormatDuration(options.timeout)));
}

// Which version of each proposal was passed on last.
class Seen {
 public:
  // False when exactly this was passed on before.
  bool IsNew(const v1::Proposal& proposal) {
    if (etags_.size() >= kMostRemembered) etags_.clear();  // Events may come twice then, never too rarely.
    std::string& etag = etags_[proposal.name()];
    if (!etag.empty() && etag == proposal.etag()) return false;
    etag = proposal.etag();
    return true;
  }

 private:
  std::unordered_map<std::string, std::string> etags_;
};

}  // namespace

absl::StatusOr<v1::Proposal> GrpcClient::Wait(const std::string& name, const WaitOptions& options) {
  const absl::Duration start = environment_.Uptime();
  WaitProgress progress;
  Backoff backoff(environment_);
  v1::WaitProposalRequest request;
  request.set_name(name);
  request.set_while_state(options.while_state);
  while (true) {
    const absl::Duration asked_at = environment_.Uptime();
    const absl::Duration poll = std::clamp(start + options.timeout - asked_at, kShortestPoll, kPoll);
    request.mutable_timeout()->set_seconds(absl::ToInt64Seconds(poll));
    request.mutable_timeout()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(poll - absl::Seconds(absl::ToInt64Seconds(poll)))));
    grpc::ClientContext context;
    SetTimeout(context, poll + kGrace);
    const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
    v1::Proposal proposal;
    const absl::Status status = FromGrpc(proposals_->WaitProposal(&context, request, &proposal));
    if (status.ok() && proposal.state() != options.while_state) return proposal;
    if (options.stop.stop_requested()) return Cancelled();
    if (!status.ok() && !IsRetryable(status)) return status;

    progress.waited = environment_.Uptime() - start;
    progress.interruption = status;
    if (status.ok()) progress.proposal = proposal;
    if (options.on_progress) options.on_progress(progress);
    if (progress.waited >= options.timeout) return GaveUp(progress, name, options);
    if (status.ok() && environment_.Uptime() - asked_at >= poll / 2) {
      backoff.Reset();
      continue;
    }
    // Also after an answer that came too early, as from a broker that drains: it must not make us spin.
    const absl::Duration pause = std::min(backoff.Next(status), options.timeout - progress.waited);
    if (!environment_.SleepFor(pause, options.stop)) return Cancelled();
  }
}

absl::Status GrpcClient::Watch(const WatchOptions& options,
                               const std::function<bool(const WatchEvent&)>& on_event) {
  v1::WatchProposalsRequest request;
  request.set_target(options.target);
  request.set_resume_token(options.resume_token);
  Seen seen;
  Backoff backoff(environment_);
  while (true) {
    grpc::ClientContext context;
    SetTimeout(context, kLongestStream);
    const std::stop_callback cancel(options.stop, [&context] { context.TryCancel(); });
    auto reader = proposals_->WatchProposals(&context, request);
    v1::WatchProposalsResponse message;
    bool wanted = true;
    bool anything_came = false;
    while (wanted && reader->Read(&message)) {
      anything_came = true;
      if (!message.resume_token().empty()) request.set_resume_token(message.resume_token());
      if (!message.has_proposal() || !seen.IsNew(message.proposal())) continue;
      wanted = on_event({.proposal = message.proposal(), .resume_token = request.resume_token()});
    }
    if (!wanted) context.TryCancel();
    const absl::Status status = FromGrpc(reader->Finish());
    if (!wanted) return absl::OkStatus();
    if (options.stop.stop_requested()) return Cancelled();
    if (!status.ok() && !IsRetryable(status)) return status;
    if (anything_came) backoff.Reset();
    if (anything_came && status.code() == absl::StatusCode::kDeadlineExceeded) continue;
    if (options.on_interruption) options.on_interruption(status);
    if (!environment_.SleepFor(backoff.Next(status), options.stop)) return Cancelled();
  }
}

}  // namespace countersign
