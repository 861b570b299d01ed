#include "server/rpc/wait_reactor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error/error.h"
#include "server/base/timestamps.h"
#include "server/proposal/resource_name.h"

namespace countersign::rpc {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr absl::Duration kMaxTimeout = absl::Seconds(60);
// The answer leaves this long before the caller's deadline, or a quarter of the time left if that is less.
constexpr absl::Duration kAnswerMargin = absl::Milliseconds(500);

absl::StatusOr<absl::Duration> Timeout(const v1::WaitProposalRequest& request) {
  if (!request.has_timeout()) return kDefaultTimeout;
  if (!base::IsValid(request.timeout()) || base::ToDuration(request.timeout()) < absl::ZeroDuration()) {
    return error::InvalidField("timeout", "must be a google.protobuf.Duration that is not negative");
  }
  return std::min(base::ToDuration(request.timeout()), kMaxTimeout);
}

}  // namespace

WaitReactor::WaitReactor(Edge* edge, grpc::CallbackServerContext* context, v1::Proposal* response)
    : call_(edge, context, broker::Method::kWaitProposal), response_(response) {}

grpc::ServerUnaryReactor* WaitReactor::Start(Edge* edge, grpc::CallbackServerContext* context,
                                             const v1::WaitProposalRequest* request, v1::Proposal* response) {
  auto* const reactor = new WaitReactor(edge, context, response);
  const absl::Status registered = reactor->Register(*request);
  if (!registered.ok()) reactor->Answer(registered);
  return reactor;
}

absl::Status WaitReactor::Register(const v1::WaitProposalRequest& request) {
  call_.NoteProposal(request.name());
  if (absl::Status status = call_.CheckRequest(request); !status.ok()) return status;
  // Waits do no work, so the hub's own limit is theirs.
  if (absl::Status status = call_.Admit(Call::Load::kNone); !status.ok()) return status;
  absl::StatusOr<std::string> id = proposal::ParseProposalName(request.name(), "name");
  if (!id.ok()) return id.status();
  if (!v1::Proposal::State_IsValid(request.while_state())) {
    return error::InvalidField("while_state", "is not a state");
  }
  const absl::StatusOr<absl::Duration> timeout = Timeout(request);
  if (!timeout.ok()) return timeout.status();

  Edge* const edge = call_.edge();
  const absl::Duration left =
      std::max(absl::ZeroDuration(), call_.DeadlineWithin(2 * kMaxTimeout) - edge->clock->Now());
  const absl::Duration wait = std::min(*timeout, left - std::min(kAnswerMargin, left / 4));
  const v1::Proposal::State state = request.while_state() == v1::Proposal::STATE_UNSPECIFIED
                                        ? v1::Proposal::PENDING
                                        : request.while_state();
  // Not the reactor's: the hub may ask after the answer was given.
  const auto may_see = [broker = edge->broker, peer = call_.peer()](const v1::Proposal& proposal) {
    return broker->MaySee(peer->caller, proposal);
  };
  waiter_ = edge->hub->Wait(*std::move(id), state, call_.start() + absl::ToChronoNanoseconds(wait), may_see,
                            [this](absl::StatusOr<v1::Proposal> result) { Answer(std::move(result)); });
  return absl::OkStatus();
}

void WaitReactor::OnCancel() { call_.edge()->hub->Cancel(waiter_); }

void WaitReactor::Answer(absl::StatusOr<v1::Proposal> result) {
  if (result.ok()) {
    if (absl::Status status = call_.StillPermitted(); !status.ok()) result = std::move(status);
  }
  if (result.ok()) *response_ = std::move(*result);
  const grpc::Status status = call_.Conclude(result.status());
  Finish(status);  // The last touch.
}

}  // namespace countersign::rpc
