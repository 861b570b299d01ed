// claim and verify: execution tokens for runners that do not use exec.
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "client/cli/app.h"
#include "client/cli/exit_code.h"
#include "client/cli/proposal_card.h"
#include "client/cli/terminal_text.h"
#include "core/text/text.h"
#include "countersign/token.h"

namespace countersign::cli {
namespace {

constexpr size_t kMostTokenBytes = 16 << 10;
constexpr size_t kMostJwksBytes = 64 << 10;

struct ClaimOptions {
  std::string id;
  bool show_token = false;
};

absl::StatusOr<int> Claim(Session& session, const ClaimOptions& options) {
  // A token on a screen ends up in scroll-back and recordings.
  if (session.world().out_is_terminal && !options.show_token) {
    return UsageError(
        "a token does not belong on a terminal; redirect the output, or insist with --show-token");
  }
  const auto name = session.ResolveName(options.id);
  if (!name.ok()) return name.status();
  const auto client = session.client();
  if (!client.ok()) return client.status();
  v1::ClaimProposalRequest request;
  request.set_name(*name);
  const auto claim = (*client)->Claim(request, InteractiveCall());
  if (!claim.ok()) return claim.status();
  if (session.json()) {
    if (const auto status = session.PrintJson(*claim); !status.ok()) return status;
    return kDone;
  }
  session.out() << claim->token() << std::endl;
  session.err() << "the token is good until " << TimeText(claim->token_expire_time())
                << ", once, and only for your certificate\n";
  return kDone;
}

struct VerifyOptions {
  std::string token;
  std::string file;
  std::string jwks_file;
  std::string issuer;
  std::string audience;
};

absl::StatusOr<std::string> ReadToken(Session& session, const VerifyOptions& options) {
  if (options.token.empty() == options.file.empty())
    return UsageError("give a token, - for standard input, or --file");
  if (!options.token.empty() && options.token != "-") return options.token;
  auto token = ReadInput(session.world(), options.token == "-" ? "-" : options.file, kMostTokenBytes);
  if (token.ok()) absl::StripAsciiWhitespace(&*token);
  return token;
}

void PrintToken(Session& session, const VerifiedToken& token) {
  const auto row = [&session](std::string_view label, const std::string& text) {
    session.out() << session.Painted(label, Tone::kStrong) << std::string(13 - label.size(), ' ')
                  << EscapeLine(text) << '\n';
  };
  row("Valid until", absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", token.expire_time, absl::UTCTimeZone()));
  row("Proposal", token.proposal);
  row("Target", text::Concat(token.target, ", environment ", token.environment));
  row("Kind", token.kind);
  row("Digest", token.action_digest);
  row("Proposed by", token.actor);
  row("Approved by",
      token.approvers.empty() ? "nobody, policy allows it" : absl::StrJoin(token.approvers, ", "));
  row("Token", token.token_id);
  session.out() << "This does not say that it is unspent: only redeeming does.\n";
}

// The claims under their own names and in their own form, so that a program reads here what it would read in
// the token.
void PrintClaims(Session& session, const VerifiedToken& token) {
  const nlohmann::ordered_json claims = {{"iss", token.issuer},
                                         {"sub", token.subject},
                                         {"aud", token.audience},
                                         {"iat", absl::ToUnixSeconds(token.issue_time)},
                                         {"nbf", absl::ToUnixSeconds(token.not_before_time)},
                                         {"exp", absl::ToUnixSeconds(token.expire_time)},
                                         {"jti", token.token_id},
                                         {"act", {{"sub", token.actor}}},
                                         {"cnf", {{"x5t#S256", token.holder_thumbprint}}},
                                         {"proposal", token.proposal},
                                         {"action_digest", token.action_digest},
                                         {"artifacts", token.artifacts},
                                         {"target", token.target},
                                         {"environment", token.environment},
                                         {"kind", token.kind},
                                         {"approvers", token.approvers},
                                         {"policy_digest", token.policy_digest}};
  session.out() << claims.dump(1, ' ', /*ensure_ascii=*/true) << std::endl;
}

absl::StatusOr<int> Verify(Session& session, const VerifyOptions& options) {
  const auto profile = session.profile();
  if (!profile.ok()) return profile.status();
  const std::string jwks_file = options.jwks_file.empty() ? profile->jwks_file : options.jwks_file;
  TokenExpectation expectation;
  expectation.issuer = options.issuer.empty() ? profile->issuer : options.issuer;
  expectation.audience = options.audience.empty() ? profile->audience : options.audience;
  expectation.now = session.environment().Now();
  if (jwks_file.empty()) return UsageError("whose keys? Give --jwks FILE, or jwks_file in the profile");
  if (expectation.issuer.empty())
    return UsageError("issued by whom? Give --issuer URL, or issuer in the profile");
  const auto jwks = ReadInput(session.world(), jwks_file, kMostJwksBytes);
  if (!jwks.ok()) return jwks.status();
  const auto token = ReadToken(session, options);
  if (!token.ok()) return token.status();
  const auto verified = VerifyToken(*token, *jwks, expectation);
  if (!verified.ok()) {
    session.Fail(verified.status());
    return kVerificationFailed;
  }
  if (session.json()) {
    PrintClaims(session, *verified);
  } else {
    PrintToken(session, *verified);
  }
  return kDone;
}

}  // namespace

void AddTokenVerbs(Verbs& verbs, Session& session) {
  auto claim = std::make_shared<ClaimOptions>();
  const Verb claim_verb =
      verbs.Add("claim", "Get the execution token of an approved proposal (executors)",
                "  TOKEN=$(countersign claim k3vq)", [&session, claim] { return Claim(session, *claim); });
  claim_verb.Option("ID", &claim->id, "The proposal", {.required = true});
  claim_verb.Flag("--show-token", &claim->show_token, "Print it even on a terminal");

  auto verify = std::make_shared<VerifyOptions>();
  const Verb verify_verb = verbs.Add(
      "verify", "Verify an execution token offline, with keys you trust",
      "  countersign verify --jwks jwks.json --issuer https://broker.example.org \"$TOKEN\"\n"
      "  countersign claim k3vq | countersign verify -\n"
      "  countersign verify --file token --output json   # its claims: iss, sub, exp, proposal and so on",
      [&session, verify] { return Verify(session, *verify); });
  verify_verb.Option("TOKEN", &verify->token, "The token; - is standard input");
  verify_verb.Option("--file", &verify->file, "Read the token from a file", {.type_name = "FILE"});
  verify_verb.Option("--jwks", &verify->jwks_file, "The broker's public keys", {.type_name = "FILE"});
  verify_verb.Option("--issuer", &verify->issuer, "Who must have issued it", {.type_name = "URL"});
  verify_verb.Option("--audience", &verify->audience, "For whom it must be; default the issuer");
}

}  // namespace countersign::cli
