// A job: waits until a proposal is approved, spends its token, does the work, and reports. For commands,
// `countersign exec` does all of this and more; this is for work that a program does itself.
//
//   wait_and_run proposals/k3vq…
//
// The profile must pin the broker's keys (jwks_file) and name its issuer.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "countersign/client.h"
#include "countersign/connect.h"
#include "countersign/token.h"

namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Stands for the work; gives its exit code.
int DoTheWork(const countersign::v1::Action& action) {
  std::cout << "working on " << action.target() << '\n';
  return 0;
}

absl::StatusOr<int> WaitAndRun(countersign::Client& client, const countersign::Profile& profile,
                               const std::string& name) {
  const auto proposal = client.Wait(name);
  if (!proposal.ok()) return proposal.status();
  if (proposal->state() != countersign::v1::Proposal::APPROVED)
    return absl::CancelledError("it was not approved");

  // What will be done, as this program sees it, must be what the token allows.
  const auto digest = countersign::ComputeActionDigest(proposal->action());
  if (!digest.ok()) return digest.status();
  countersign::v1::ClaimProposalRequest claim_request;
  claim_request.set_name(name);
  const auto claim = client.Claim(claim_request);
  if (!claim.ok()) return claim.status();
  const auto token =
      countersign::VerifyToken(claim->token(), ReadFile(profile.jwks_file),
                               {.issuer = profile.issuer,
                                .audience = profile.audience,
                                .holder_certificate = ReadFile(profile.connect.certificate_file)});
  if (!token.ok()) return token.status();
  if (token->proposal != name || token->action_digest != *digest) {
    return absl::PermissionDeniedError("the token is for something else");
  }

  countersign::v1::RedeemTokenRequest redeem_request;
  redeem_request.set_token(claim->token());
  redeem_request.set_action_digest(*digest);
  const auto leave = client.Redeem(redeem_request);  // Once, ever. Longer work also needs heartbeats.
  if (!leave.ok()) return leave.status();
  const int exit_code = DoTheWork(proposal->action());

  countersign::v1::ReportExecutionRequest report;
  report.set_name(name);
  report.set_execution_id(leave->proposal().execution().id());
  report.set_exit_code(exit_code);
  const auto reported = client.Report(report, {.timeout = absl::Minutes(5)});
  if (!reported.ok()) return reported.status();
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: wait_and_run PROPOSAL\n";
    return 2;
  }
  const auto profile = countersign::LoadProfile();
  if (!profile.ok()) return std::cerr << profile.status() << '\n', 1;
  const auto client = countersign::Connect(profile->connect);
  if (!client.ok()) return std::cerr << client.status() << '\n', 1;
  const auto exit_code = WaitAndRun(**client, *profile, argv[1]);
  if (!exit_code.ok()) return std::cerr << exit_code.status() << '\n', 1;
  return *exit_code;
}
