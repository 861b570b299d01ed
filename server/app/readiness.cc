#include "server/app/readiness.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error/error.h"
#include "server/postgres/migrate.h"

namespace countersign::app {

namespace {

constexpr auto kValidity = std::chrono::milliseconds(500);
constexpr absl::Duration kPatience = absl::Seconds(2);

}  // namespace

Readiness::Readiness(postgres::Pool* pool, const token::KeyRing* keys, const broker::Broker* broker,
                     const base::Clock* clock)
    : pool_(pool), keys_(keys), broker_(broker), clock_(clock) {}

std::vector<http::Check> Readiness::Checks() {
  absl::Status serving;
  {
    base::MutexLock lock(&mutex_);
    if (std::chrono::steady_clock::now() < valid_until_) return last_;
    serving = serving_;
    // Others are given the last answer while this one asks the database.
    if (!last_.empty()) valid_until_ = std::chrono::steady_clock::now() + kValidity;
  }
  std::vector<http::Check> checks = Look(serving);
  base::MutexLock lock(&mutex_);
  last_ = checks;
  // What the broker said meanwhile wins over what was read before.
  valid_until_ = serving == serving_ ? std::chrono::steady_clock::now() + kValidity
                                     : std::chrono::steady_clock::time_point();
  return checks;
}

bool Readiness::Ready() {
  for (const http::Check& check : Checks()) {
    if (!check.status.ok()) return false;
  }
  return true;
}

void Readiness::SetServing(absl::Status status) {
  base::MutexLock lock(&mutex_);
  serving_ = std::move(status);
  valid_until_ = std::chrono::steady_clock::time_point();
}

std::vector<http::Check> Readiness::Look(absl::Status serving) const {
  std::vector<http::Check> checks{{"serving", std::move(serving)}};
  const absl::Status schema = CheckSchemaIsCurrent(*pool_, clock_->Now() + kPatience);
  const bool reachable =
      schema.ok() || absl::IsUnimplemented(schema) || error::ReasonOf(schema) == v1::WRONG_STATE;
  checks.push_back({"database", reachable ? absl::OkStatus() : schema});
  checks.push_back({"schema", reachable ? schema : absl::UnknownError("cannot be read")});
  checks.push_back({"signing_key", keys_->ActiveKey(clock_->Now()).status()});
  checks.push_back({"configuration", broker_->configuration() != nullptr
                                         ? absl::OkStatus()
                                         : absl::UnavailableError("was not read from the database yet")});
  return checks;
}

absl::Status CheckSchemaIsCurrent(postgres::Pool& pool, absl::Time deadline) {
  auto lease = pool.Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto state = postgres::CheckSchema(**lease, postgres::EmbeddedMigrations(), deadline);
  if (!state.ok()) return state.status();
  switch (state->kind) {
    case postgres::SchemaState::Kind::kCurrent:
      return absl::OkStatus();
    case postgres::SchemaState::Kind::kBehind:
      return error::Make(v1::WRONG_STATE,
                         absl::StrCat("the schema lacks ", absl::StrJoin(state->missing, ", "),
                                      "; run `countersignd migrate` as the schema's owner"));
    case postgres::SchemaState::Kind::kUnknownNewer:
      return absl::UnimplementedError(
          absl::StrCat("the schema has ", absl::StrJoin(state->unknown, ", "),
                       ", which this version does not know; use a newer countersignd"));
  }
  return absl::InternalError("unknown kind of schema");
}

absl::Status CheckRoleIsBounded(postgres::Pool& pool, absl::Time deadline) {
  auto lease = pool.Acquire(deadline);
  if (!lease.ok()) return lease.status();
  const auto result = (*lease)->Query(
      "SELECT current_user::text, bool_or(has_table_privilege('audit_events', privilege))"
      " OR has_any_column_privilege('audit_events', 'UPDATE')"
      " FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege",
      {}, deadline);
  if (!result.ok()) return result.status();
  const std::string role(result->Text(0, 0));
  const bool unbounded = result->Bool(0, 1);
  if (auto status = result->status(); !status.ok()) return status;
  if (!unbounded) return absl::OkStatus();
  return error::Make(
      v1::WRONG_STATE,
      absl::StrCat("the database role \"", role,
                   "\" can change or remove audit events, so it must not serve; use a login role that "
                   "is a member of countersign_server and does not own the schema"));
}

}  // namespace countersign::app
