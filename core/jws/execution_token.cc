#include "core/jws/execution_token.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "core/digest/canonical_json.h"
#include "core/digest/digest.h"
#include "core/error/error.h"
#include "core/jws/base64url.h"
#include "core/jws/jws.h"
#include "core/jws/strict_json.h"

namespace countersign::jws {
namespace {

using digest::CanonicalJson;
using nlohmann::json;

constexpr std::string_view kTargetPrefix = "targets/";
constexpr int64_t kMaxUnixSeconds = 253402300799;  // The last second of the year 9999.

absl::Status Refuse(std::string_view what) { return error::Make(v1::TOKEN_INVALID, what); }

// Reads claims one by one and remembers the first that is missing or of another type.
class ClaimReader {
 public:
  explicit ClaimReader(const json& claims) : claims_(claims) {}

  const absl::Status& status() const { return status_; }

  void Require(bool valid, const std::string& claim) {
    if (!valid && status_.ok()) status_ = Refuse("the token's claim " + claim + " is missing or malformed");
  }

  std::string Text(const char* claim) { return TextIn(claims_, claim, claim); }

  // The text under `member` of the object `claim`, which has no other member.
  std::string OnlyTextIn(const char* claim, const char* member) {
    const auto object = claims_.find(claim);
    if (object == claims_.end() || !object->is_object() || object->size() != 1) {
      Require(false, claim);
      return "";
    }
    return TextIn(*object, member, claim);
  }

  std::vector<std::string> Texts(const char* claim) {
    const auto list = claims_.find(claim);
    Require(list != claims_.end() && list->is_array(), claim);
    std::vector<std::string> texts;
    if (!status_.ok()) return texts;
    for (const json& element : *list) {
      const auto* const text = element.get_ptr<const std::string*>();
      Require(text != nullptr && !text->empty(), claim);
      if (text != nullptr) texts.push_back(*text);
    }
    return texts;
  }

  absl::Time Seconds(const char* claim) {
    const auto number = claims_.find(claim);
    const bool whole = number != claims_.end() && number->is_number_unsigned();
    const uint64_t seconds = whole ? *number->get_ptr<const json::number_unsigned_t*>() : 0;
    Require(whole && seconds <= kMaxUnixSeconds, claim);
    return absl::FromUnixSeconds(static_cast<int64_t>(std::min<uint64_t>(seconds, kMaxUnixSeconds)));
  }

 private:
  std::string TextIn(const json& object, const char* member, const char* claim) {
    const std::string* const text = StringMember(object, member);
    Require(text != nullptr && !text->empty(), claim);
    return text == nullptr ? "" : *text;
  }

  const json& claims_;
  absl::Status status_;
};

// Parts of `sub` come from a small alphabet without the colon, so that no two triples have the same `sub`.
bool IsWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool IsThumbprint(std::string_view text) {
  const auto bytes = Base64UrlDecode(text);
  return bytes.ok() && bytes->size() == 32;
}

void CheckMeaning(const ExecutionClaims& claims, ClaimReader* reader) {
  reader->Require(claims.expire_time > claims.issue_time && claims.expire_time > claims.not_before_time,
                  "exp");
  reader->Require(IsThumbprint(claims.holder_thumbprint), "cnf");
  reader->Require(digest::IsSha256(claims.action_digest), "action_digest");
  reader->Require(digest::IsSha256(claims.policy_digest), "policy_digest");
  reader->Require(std::all_of(claims.artifacts.begin(), claims.artifacts.end(), digest::IsSha256),
                  "artifacts");
  reader->Require(IsWord(claims.environment), "environment");
  const std::string_view target = claims.target;
  reader->Require(target.starts_with(kTargetPrefix) && IsWord(target.substr(kTargetPrefix.size())), "target");
  reader->Require(IsWord(claims.kind), "kind");
  reader->Require(claims.subject == SubjectOf(claims.environment, claims.target, claims.kind), "sub");
}

// Serials are texts, because JSON's numbers are exact below 2^53 only.
std::optional<ExecutionClaims::State> ReadState(const json& claims, ClaimReader* reader) {
  const auto found = claims.find("state");
  if (found == claims.end()) return std::nullopt;
  const std::string* const lineage = found->is_object() ? StringMember(*found, "lineage") : nullptr;
  const std::string* const serial = found->is_object() ? StringMember(*found, "serial") : nullptr;
  ExecutionClaims::State state;
  reader->Require(found->is_object() && found->size() == 2 && lineage != nullptr && serial != nullptr,
                  "state");
  if (lineage != nullptr) state.lineage = *lineage;
  if (serial != nullptr) {
    const char* const end = serial->data() + serial->size();
    const auto read = std::from_chars(serial->data(), end, state.serial);
    reader->Require(read.ec == std::errc() && read.ptr == end && std::to_string(state.serial) == *serial,
                    "state");
  }
  return state;
}

absl::StatusOr<ExecutionClaims> ParseClaims(std::string_view payload) {
  const auto object = ParseStrictObject(payload, kMaxTokenBytes);
  if (!object.has_value())
    return Refuse("the token's payload is not a JSON object without duplicate members");
  ClaimReader reader(*object);
  ExecutionClaims claims;
  claims.issuer = reader.Text("iss");
  claims.subject = reader.Text("sub");
  claims.audience = reader.Text("aud");
  claims.issue_time = reader.Seconds("iat");
  claims.not_before_time = reader.Seconds("nbf");
  claims.expire_time = reader.Seconds("exp");
  claims.token_id = reader.Text("jti");
  claims.actor = reader.OnlyTextIn("act", "sub");
  claims.holder_thumbprint = reader.OnlyTextIn("cnf", "x5t#S256");
  claims.proposal = reader.Text("proposal");
  claims.action_digest = reader.Text("action_digest");
  claims.artifacts = reader.Texts("artifacts");
  claims.target = reader.Text("target");
  claims.environment = reader.Text("environment");
  claims.kind = reader.Text("kind");
  claims.approvers = reader.Texts("approvers");
  claims.policy_digest = reader.Text("policy_digest");
  claims.state = ReadState(*object, &reader);
  CheckMeaning(claims, &reader);
  if (!reader.status().ok()) return reader.status();
  return claims;
}

CanonicalJson Seconds(absl::Time time) { return CanonicalJson::Integer(absl::ToUnixSeconds(time)); }

absl::StatusOr<std::string> WriteClaims(const ExecutionClaims& claims) {
  CanonicalJson object = CanonicalJson::Object(
      {{"iss", CanonicalJson::String(claims.issuer)},
       {"sub", CanonicalJson::String(claims.subject)},
       {"aud", CanonicalJson::String(claims.audience)},
       {"iat", Seconds(claims.issue_time)},
       {"nbf", Seconds(claims.not_before_time)},
       {"exp", Seconds(claims.expire_time)},
       {"jti", CanonicalJson::String(claims.token_id)},
       {"act", CanonicalJson::Object({{"sub", CanonicalJson::String(claims.actor)}})},
       {"cnf", CanonicalJson::Object({{"x5t#S256", CanonicalJson::String(claims.holder_thumbprint)}})},
       {"proposal", CanonicalJson::String(claims.proposal)},
       {"action_digest", CanonicalJson::String(claims.action_digest)},
       {"artifacts", CanonicalJson::Strings(claims.artifacts)},
       {"target", CanonicalJson::String(claims.target)},
       {"environment", CanonicalJson::String(claims.environment)},
       {"kind", CanonicalJson::String(claims.kind)},
       {"approvers", CanonicalJson::Strings(claims.approvers)},
       {"policy_digest", CanonicalJson::String(claims.policy_digest)}});
  if (claims.state.has_value()) {
    object.Set("state", CanonicalJson::Object(
                            {{"lineage", CanonicalJson::String(claims.state->lineage)},
                             {"serial", CanonicalJson::String(std::to_string(claims.state->serial))}}));
  }
  return object.Write();
}

}  // namespace

std::string SubjectOf(std::string_view environment, std::string_view target, std::string_view kind) {
  if (target.starts_with(kTargetPrefix)) target.remove_prefix(kTargetPrefix.size());
  return std::string("env:")
      .append(environment)
      .append(":target:")
      .append(target)
      .append(":kind:")
      .append(kind);
}

absl::StatusOr<std::string> IssueExecutionToken(const SigningKey& key, const ExecutionClaims& claims) {
  const auto payload = WriteClaims(claims);
  if (!payload.ok()) return error::Make(v1::INTERNAL, "a claim cannot be written as JSON");
  // Read back by the verifier's rules, so that there is one set of them.
  const auto readable = ParseClaims(*payload);
  if (!readable.ok() && payload->size() <= kMaxTokenBytes) {
    return error::Make(v1::INTERNAL, std::string(readable.status().message()));
  }
  return Sign(key, kExecutionTokenType, *payload);
}

absl::Status CheckClaims(const ExecutionClaims& claims, const Expectation& expectation) {
  if (claims.issuer != expectation.issuer) return Refuse("the token is of another issuer");
  if (claims.audience != expectation.audience) return Refuse("the token is for another audience");
  if (expectation.holder_thumbprint.has_value() &&
      !digest::Equal(claims.holder_thumbprint, *expectation.holder_thumbprint)) {
    return error::Make(v1::TOKEN_WRONG_HOLDER,
                       "the token was issued to another certificate; claim with this one");
  }
  if (claims.not_before_time > expectation.now + expectation.leeway) {
    return Refuse("the token is not valid yet; compare the clocks");
  }
  if (expectation.now >= claims.expire_time + expectation.leeway) {
    return error::Make(v1::TOKEN_EXPIRED, "the token's lifetime is over; claim again");
  }
  return absl::OkStatus();
}

absl::StatusOr<ExecutionClaims> ReadExecutionToken(std::string_view compact, const KeySet& keys) {
  const auto payload = Verify(compact, keys, kExecutionTokenType);
  if (!payload.ok()) return payload.status();
  return ParseClaims(*payload);
}

absl::StatusOr<ExecutionClaims> VerifyExecutionToken(std::string_view compact, const KeySet& keys,
                                                     const Expectation& expectation) {
  auto claims = ReadExecutionToken(compact, keys);
  if (!claims.ok()) return claims.status();
  if (absl::Status status = CheckClaims(*claims, expectation); !status.ok()) return status;
  return claims;
}

}  // namespace countersign::jws
