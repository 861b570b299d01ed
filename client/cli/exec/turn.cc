#include "client/cli/exec/turn.h"

#include <algorithm>
#include <ostream>
#include <stop_token>
#include <vector>

#include "client/src/retry.h"
#include "core/digest/action_digest.h"
#include "core/error/error.h"
#include "core/text/text.h"
#include "countersign/token.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostPemBytes = 64 << 10;
// Between looking for who holds the target and claiming again.
constexpr absl::Duration kTurnPause = absl::Seconds(1);

// The verified token of this proposal and digest.
absl::StatusOr<std::string> ClaimToken(const ExecutionContext& context, const v1::Proposal& proposal,
                                       const std::string& digest) {
  v1::ClaimProposalRequest request;
  request.set_name(proposal.name());
  const auto claim = context.client.Claim(request, {.stop = context.relay.stop()});
  if (!claim.ok()) return claim.status();
  const auto token = VerifyToken(claim->token(), context.trust.jwks,
                                 {.issuer = context.trust.issuer,
                                  .audience = context.trust.audience,
                                  .holder_certificate = context.trust.certificate,
                                  .now = context.session.environment().Now()});
  if (!token.ok()) return token.status();
  std::vector<std::string> artifacts;
  for (const auto& artifact : proposal.action().artifacts()) artifacts.push_back(artifact.digest());
  if (token->proposal != proposal.name() || token->target != proposal.action().target() ||
      token->kind != digest::KindName(proposal.action().kind()) || token->artifacts != artifacts) {
    return error::Make(v1::TOKEN_INVALID,
                       "the token is for another proposal, target, kind or artifacts than this");
  }
  if (token->action_digest != digest) {
    return error::Make(v1::DIGEST_MISMATCH, "what would run here is not what the token allows");
  }
  return claim->token();
}

absl::StatusOr<v1::RedeemTokenResponse> Redeem(Client& client, const std::string& token,
                                               const std::string& digest, const std::stop_token& stop) {
  v1::RedeemTokenRequest request;
  request.set_token(token);
  request.set_action_digest(digest);
  auto leave = client.Redeem(request, {.stop = stop});
  if (leave.ok() || !(IsRetryable(leave.status()) || absl::IsCancelled(leave.status()))) return leave;
  return absl::Status(
      leave.status().code(),
      text::Concat(text::MessageOf(leave.status()),
                   ". Nothing was run here; if the broker has the proposal EXECUTING or AMBIGUOUS, the token "
                   "was spent on the way, and a human has to resolve it as failed"));
}

// Waits for the end of the execution that holds the target.
absl::Status AwaitTarget(const ExecutionContext& context, const std::string& target,
                         absl::Duration patience) {
  const std::stop_token stop = context.relay.stop();
  v1::ListProposalsRequest request;
  request.set_target(target);
  request.add_states(v1::Proposal::EXECUTING);
  request.add_states(v1::Proposal::AMBIGUOUS);
  const auto holders = context.client.ListProposals(request, {.stop = stop});
  if (!holders.ok()) return holders.status();
  if (holders->proposals().empty()) {  // It has just ended.
    context.session.environment().SleepFor(kTurnPause, stop);
    return absl::OkStatus();
  }
  const v1::Proposal& holder = holders->proposals(0);
  context.session.err() << text::Concat("countersign: ", holder.name(), " is ",
                                        v1::Proposal::State_Name(holder.state()), " on ", target,
                                        "; waiting for its end\n")
                        << std::flush;
  return context.client
      .Wait(holder.name(), {.while_state = holder.state(), .timeout = patience, .stop = stop})
      .status();
}

}  // namespace

absl::StatusOr<Trust> LoadTrust(Session& session) {
  const auto profile = session.profile();
  if (!profile.ok()) return profile.status();
  if (profile->jwks_file.empty() || profile->issuer.empty()) {
    return absl::FailedPreconditionError(
        "exec verifies tokens itself, and needs the broker's pinned keys and issuer: set jwks_file and "
        "issuer in the "
        "profile, or COUNTERSIGN_JWKS_FILE and COUNTERSIGN_ISSUER");
  }
  const auto jwks = ReadInput(session.world(), profile->jwks_file, kMostPemBytes);
  if (!jwks.ok()) return jwks.status();
  const auto certificate = ReadInput(session.world(), profile->connect.certificate_file, kMostPemBytes);
  if (!certificate.ok()) return certificate.status();
  return Trust{*jwks, *certificate, profile->issuer, profile->audience};
}

absl::StatusOr<v1::RedeemTokenResponse> TakeTurn(const ExecutionContext& context,
                                                 const v1::Proposal& proposal, const std::string& digest,
                                                 const std::function<absl::Status()>& prepare) {
  Environment& environment = context.session.environment();
  for (;;) {
    if (const absl::Status status = prepare(); !status.ok()) return status;
    const auto token = ClaimToken(context, proposal, digest);
    if (!token.ok()) return token.status();
    auto leave = Redeem(context.client, *token, digest, context.relay.stop());
    if (leave.ok() || error::ReasonOf(leave.status()) != v1::TARGET_BUSY) return leave;
    const absl::Duration approval_left =
        absl::FromUnixSeconds(proposal.approval_expire_time().seconds()) - environment.Now();
    const absl::Duration patience = std::min(context.give_up_at - environment.Uptime(), approval_left);
    if (patience <= absl::ZeroDuration()) return leave;
    const absl::Status ended = AwaitTarget(context, proposal.action().target(), patience);
    if (absl::IsDeadlineExceeded(ended)) return leave;
    if (!ended.ok()) return ended;
  }
}

}  // namespace countersign::cli
