#include "server/postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/postgres/deadline.h"
#include "server/postgres/dsn.h"

namespace countersign::postgres {
namespace {

// libpq never gives back the memory of its buffers, so a connection that carried more is not kept.
constexpr size_t kLargestKept = 8 << 20;
// The most requests to cancel that are under way at once; each may hang as long as the network does.
constexpr int kMaxCancelling = 4;

constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

std::string Field(const PGresult* result, int code) {
  const char* text = result == nullptr ? nullptr : PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

bool EndsTheSession(const PGresult* result) {
  const std::string severity = Field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

// What goes into the log: without DETAIL and CONTEXT, which quote rows.
std::string Describe(const PGresult* result) {
  return absl::StrCat(Field(result, PG_DIAG_SEVERITY_NONLOCALIZED), " ", Field(result, PG_DIAG_SQLSTATE),
                      ": ", Field(result, PG_DIAG_MESSAGE_PRIMARY));
}

int Milliseconds(Instant until) {
  if (until == Instant::max()) return -1;
  const absl::Duration left = absl::Ceil(TimeUntil(until), absl::Milliseconds(1));
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(left), 0, INT_MAX));
}

// PQcancel() connects and waits for as long as the network pleases, so it has a thread of its own. It is only
// a favour to the server, whose statement_timeout ends what we do not.
void CancelInBackground(PGconn* connection) {
  static std::atomic<int> cancelling = 0;
  std::unique_ptr<PGcancel, PgDeleter> cancel(PQgetCancel(connection));
  if (cancel == nullptr) return;
  if (cancelling.fetch_add(1) >= kMaxCancelling) {
    cancelling.fetch_sub(1);
    return;
  }
  try {
    std::thread([cancel = std::move(cancel)] {
      char ignored[256];
      PQcancel(cancel.get(), ignored, sizeof ignored);
      cancelling.fetch_sub(1);
    }).detach();
  } catch (const std::system_error&) {
    cancelling.fetch_sub(1);
  }
}

// libpq's keywords; what stands before "dbname" is overridden by the connection string, what stands after it
// overrides it.
struct Keywords {
  std::vector<const char*> names;
  std::vector<std::string> values;
  void Add(const char* name, std::string value) {
    names.push_back(name);
    values.push_back(std::move(value));
  }
};

Keywords KeywordsOf(const ConnectOptions& options) {
  Keywords keywords;
  keywords.Add("application_name", options.application_name);
  keywords.Add("keepalives", "1");
  keywords.Add("keepalives_idle", absl::StrCat(absl::ToInt64Seconds(options.keepalive_idle)));
  keywords.Add("keepalives_interval", absl::StrCat(absl::ToInt64Seconds(options.keepalive_interval)));
  keywords.Add("keepalives_count", "3");
  keywords.Add("tcp_user_timeout", absl::StrCat(absl::ToInt64Milliseconds(options.tcp_user_timeout)));
  keywords.Add("dbname", options.dsn);
  keywords.Add("client_encoding", "UTF8");
  return keywords;
}

PGconn* StartConnecting(const ConnectOptions& options) {
  Keywords keywords = KeywordsOf(options);
  std::vector<const char*> values;
  for (const std::string& value : keywords.values) values.push_back(value.c_str());
  keywords.names.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(keywords.names.data(), values.data(), /*expand_dbname=*/1);
}

bool Readable(const std::string& dsn) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, PgDeleter> options(PQconninfoParse(dsn.c_str(), &error));
  if (error != nullptr) PQfreemem(error);  // Not shown: it quotes the string, password and all.
  return options != nullptr;
}

}  // namespace

struct Connection::State {
  PgConnection pg;  // Null once closed.
  Log log;
  int interrupt_fd = -1;
  bool fatal = false;  // The server has said that it ends the session.
  size_t largest = 0;  // Bytes of the largest message so far, either way.

  void Say(std::string_view text) const {
    if (log) log(text);
  }

  static void OnNotice(void* state, const PGresult* notice) {
    auto* self = static_cast<State*>(state);
    if (EndsTheSession(notice)) self->fatal = true;
    if (self->fatal || Field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING") {
      self->Say(absl::StrCat("postgres: ", Describe(notice)));
    }
  }
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

absl::StatusOr<Connection> Connection::Connect(const ConnectOptions& options, absl::Time deadline) {
  static const bool sigpipe_ignored = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  (void)sigpipe_ignored;
  if (!Readable(options.dsn))
    return error::InvalidField("dsn", "is not a connection string that libpq can read");

  Connection connection(std::make_unique<State>());
  State& state = *connection.state_;
  state.log = options.log;
  state.interrupt_fd = options.interrupt_fd;
  deadline = std::min(deadline, base::SystemClock().Now() + options.connect_timeout);
  state.pg.reset(StartConnecting(options));
  if (state.pg == nullptr) return connection.Lost(Delivery::kNotSent, "connect");
  PQsetNoticeReceiver(state.pg.get(), State::OnNotice, &state);
  if (absl::Status status = connection.PollConnect(InstantOf(deadline)); !status.ok()) {
    state.Say(absl::StrCat("postgres: cannot connect to ", Redacted(options.dsn)));
    return status;
  }
  PQsetnonblocking(state.pg.get(), 1);
  const int64_t timeout = options.statement_timeout > absl::ZeroDuration()
                              ? std::max<int64_t>(1, absl::ToInt64Milliseconds(options.statement_timeout))
                              : 0;
  // A commit that is answered before it is on disk may be lost afterwards. Settings that wait for more stay.
  const auto set = connection.Query(
      "SELECT set_config('statement_timeout', $1::text, false), CASE current_setting('synchronous_commit') "
      "WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END",
      Parameters().Int64(timeout), deadline);
  if (!set.ok()) return set.status();
  return connection;
}

absl::Status Connection::PollConnect(Instant until) {
  PostgresPollingStatusType polling = PGRES_POLLING_WRITING;
  while (polling != PGRES_POLLING_OK) {
    if (PQstatus(state_->pg.get()) == CONNECTION_BAD || polling == PGRES_POLLING_FAILED) {
      return Lost(Delivery::kNotSent, "connect");
    }
    // libpq may have moved on to another socket, so WaitSocket() asks for it every time.
    const Wait wait = WaitSocket(polling == PGRES_POLLING_READING ? POLLIN : POLLOUT, until);
    if (wait != Wait::kReady) {
      state_->Say("postgres: connect: no answer in time");
      Close();
      return StatusOfSqlstate("", "", Delivery::kNotSent);
    }
    polling = PQconnectPoll(state_->pg.get());
  }
  return absl::OkStatus();
}

Connection::Wait Connection::WaitSocket(short events, Instant until, short* ready) const {
  pollfd descriptors[2] = {{PQsocket(state_->pg.get()), events, 0}, {state_->interrupt_fd, POLLIN, 0}};
  for (;;) {
    const int count = poll(descriptors, 2, Milliseconds(until));
    if (count > 0 && descriptors[1].revents != 0) return Wait::kInterrupted;
    if (count > 0) {
      if (ready != nullptr) *ready = descriptors[0].revents;
      return Wait::kReady;
    }
    if (count == 0 && std::chrono::steady_clock::now() >= until) return Wait::kTimedOut;
  }
}

void Connection::Close() { state_->pg.reset(); }

absl::Status Connection::Lost(Delivery delivery, const char* what) {
  if (state_->pg != nullptr) {
    const std::string text(absl::StripTrailingAsciiWhitespace(PQerrorMessage(state_->pg.get())));
    state_->Say(absl::StrCat("postgres: ", what, ": ", text.empty() ? "connection lost" : text));
  }
  Close();
  return StatusOfSqlstate("", "", delivery);
}

absl::Status Connection::GiveUp(Wait why, Delivery delivery, const char* what) {
  CancelInBackground(state_->pg.get());
  Close();
  if (why == Wait::kInterrupted) return StatusOfDelivery(v1::DATABASE_UNAVAILABLE, "stopping", delivery);
  state_->Say(absl::StrCat("postgres: ", what, ": no answer in time"));
  return StatusOfSqlstate("57014", "", delivery);
}

absl::Status Connection::Failed(const PGresult* result, const char* what) {
  const std::string sqlstate = Field(result, PG_DIAG_SQLSTATE);
  // Without a SQLSTATE it is libpq that speaks. And a server that ends the session may do so between the
  // commit and the answer.
  if (sqlstate.empty() || PQstatus(state_->pg.get()) != CONNECTION_OK || EndsTheSession(result)) {
    if (!sqlstate.empty()) state_->Say(absl::StrCat("postgres: ", what, ": ", Describe(result)));
    return Lost(Delivery::kInDoubt, what);
  }
  const std::string constraint = Field(result, PG_DIAG_CONSTRAINT_NAME);
  absl::Status status = StatusOfSqlstate(sqlstate, constraint, Delivery::kAnswered);
  // A violated constraint is an answer that the store expects and translates.
  if (constraint.empty() && error::ReasonOf(status) != v1::CONCURRENT_UPDATE) {
    state_->Say(absl::StrCat("postgres: ", what, ": ", Describe(result)));
  }
  return status;
}

absl::Status Connection::Flush(Instant until) {
  for (;;) {
    // A statement ends with the message that makes the server act on it. While a part of it is still here,
    // the server has not got that.
    const int left = PQflush(state_->pg.get());
    if (left == 0) return absl::OkStatus();
    if (left < 0) return Lost(Delivery::kNotSent, "send");
    short ready = 0;
    const Wait wait = WaitSocket(POLLIN | POLLOUT, until, &ready);
    if (wait != Wait::kReady) return GiveUp(wait, Delivery::kNotSent, "send");
    // The server may be unable to take more before it has got rid of something itself.
    if ((ready & POLLIN) != 0 && PQconsumeInput(state_->pg.get()) == 0)
      return Lost(Delivery::kNotSent, "send");
  }
}

absl::StatusOr<PgResult> Connection::AwaitResult(Instant until) {
  while (PQisBusy(state_->pg.get()) != 0) {
    const Wait wait = WaitSocket(POLLIN, until);
    if (wait != Wait::kReady) return GiveUp(wait, Delivery::kInDoubt, "receive");
    if (PQconsumeInput(state_->pg.get()) == 0) break;  // PQgetResult() then says what is wrong.
  }
  return PgResult(PQgetResult(state_->pg.get()));
}

absl::StatusOr<Result> Connection::Finish(int sent, Instant until, const char* what) {
  if (sent == 0) return Lost(Delivery::kNotSent, what);
  if (absl::Status status = Flush(until); !status.ok()) return status;
  PgResult outcome;
  bool failed = false;
  // Until libpq has nothing more: rows may have come before the error that undid them, and an answer counts
  // only once the server says that it is ready for the next statement.
  for (;;) {
    auto next = AwaitResult(until);
    if (!next.ok()) return next.status();
    if (*next == nullptr) break;
    state_->largest = std::max(state_->largest, PQresultMemorySize(next->get()));
    const ExecStatusType kind = PQresultStatus(next->get());
    const bool good = kind == PGRES_TUPLES_OK || kind == PGRES_COMMAND_OK || kind == PGRES_EMPTY_QUERY;
    if (failed && PQstatus(state_->pg.get()) == CONNECTION_OK) continue;
    failed = !good;
    outcome = *std::move(next);
    if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT || kind == PGRES_COPY_BOTH) break;  // Not for us.
  }
  if (outcome == nullptr || PQtransactionStatus(state_->pg.get()) == PQTRANS_ACTIVE) {
    return Lost(Delivery::kInDoubt, what);
  }
  if (failed) return Failed(outcome.get(), what);
  return Result(std::move(outcome));
}

absl::StatusOr<Result> Connection::Send(const char* name, const char* sql, const Parameters& parameters,
                                        absl::Time deadline) {
  const char* what = name == nullptr ? "query" : name;
  const Instant until = InstantOf(deadline);
  if (absl::Status status = ReadyToSend(until, what); !status.ok()) return status;

  const size_t count = parameters.values_.size();
  std::vector<const char*> values(count, nullptr);
  std::vector<int> lengths(count, 0);
  std::vector<int> formats(count, kTextFormat);
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    const Parameters::Value& value = parameters.values_[i];
    if (value.kind == Parameters::Value::kNull) continue;
    const bool binary = value.kind == Parameters::Value::kBytes;
    const std::string_view content = binary ? value.bytes : std::string_view(value.text);
    // libpq would silently end the text there.
    if (!binary && content.find('\0') != std::string_view::npos) {
      return StatusOfDelivery(v1::INTERNAL, absl::StrCat(what, ": a NUL byte in text"), Delivery::kNotSent);
    }
    values[i] = content.data() == nullptr ? "" : content.data();
    lengths[i] = static_cast<int>(content.size());
    formats[i] = binary ? kBinaryFormat : kTextFormat;
    bytes += content.size();
  }
  state_->largest = std::max(state_->largest, bytes);
  PGconn* pg = state_->pg.get();
  const int number = static_cast<int>(count);
  return Finish(name != nullptr ? PQsendQueryPrepared(pg, name, number, values.data(), lengths.data(),
                                                      formats.data(), kBinaryFormat)
                                : PQsendQueryParams(pg, sql, number, nullptr, values.data(), lengths.data(),
                                                    formats.data(), kBinaryFormat),
                until, what);
}

absl::Status Connection::ReadyToSend(Instant until, const char* what) {
  if (state_->pg == nullptr || PQstatus(state_->pg.get()) != CONNECTION_OK)
    return Lost(Delivery::kNotSent, what);
  if (std::chrono::steady_clock::now() >= until) return StatusOfSqlstate("57014", "", Delivery::kNotSent);
  return absl::OkStatus();
}

absl::StatusOr<Result> Connection::Execute(const Statement& statement, const Parameters& parameters,
                                           absl::Time deadline) {
  return Send(statement.name, nullptr, parameters, deadline);
}

absl::StatusOr<Result> Connection::Query(const std::string& sql, const Parameters& parameters,
                                         absl::Time deadline) {
  return Send(nullptr, sql.c_str(), parameters, deadline);
}

absl::Status Connection::Script(const std::string& sql, absl::Time deadline) {
  const Instant until = InstantOf(deadline);
  if (absl::Status status = ReadyToSend(until, "script"); !status.ok()) return status;
  return Finish(PQsendQuery(state_->pg.get(), sql.c_str()), until, "script").status();
}

absl::Status Connection::Prepare(std::span<const Statement> statements, absl::Time deadline) {
  const Instant until = InstantOf(deadline);
  for (const Statement& statement : statements) {
    if (absl::Status status = ReadyToSend(until, statement.name); !status.ok()) return status;
    const int sent = PQsendPrepare(state_->pg.get(), statement.name, statement.sql, 0, nullptr);
    const auto prepared = Finish(sent, until, statement.name);
    if (!prepared.ok()) return prepared.status();
  }
  return absl::OkStatus();
}

absl::Status Connection::WaitReadable(absl::Duration timeout) {
  if (state_->pg == nullptr) return Lost(Delivery::kNotSent, "wait");
  switch (WaitSocket(POLLIN, InstantIn(timeout))) {
    case Wait::kTimedOut:
      return absl::OkStatus();
    case Wait::kInterrupted:
      return absl::CancelledError("interrupted");
    case Wait::kReady:
      break;
  }
  if (PQconsumeInput(state_->pg.get()) == 0) return Lost(Delivery::kNotSent, "wait");
  return absl::OkStatus();
}

std::vector<Notification> Connection::TakeNotifications() {
  std::vector<Notification> notifications;
  if (state_->pg == nullptr) return notifications;
  while (const PgNotify notify{PQnotifies(state_->pg.get())}) {
    notifications.push_back({notify->relname, notify->extra});
  }
  return notifications;
}

bool Connection::Alive() {
  if (state_->pg == nullptr) return false;
  // What the server has said to an idle session: parameters that changed, notices, or that it is over; then
  // the end of the stream follows, and is seen in the next round.
  pollfd descriptor = {PQsocket(state_->pg.get()), POLLIN, 0};
  while (!state_->fatal && poll(&descriptor, 1, 0) > 0) {
    if (PQconsumeInput(state_->pg.get()) == 0) return false;
    TakeNotifications();  // Makes libpq look at what it has read.
  }
  return !state_->fatal && PQstatus(state_->pg.get()) == CONNECTION_OK;
}

bool Connection::Reusable() const {
  return state_->pg != nullptr && !state_->fatal && PQstatus(state_->pg.get()) == CONNECTION_OK &&
         PQtransactionStatus(state_->pg.get()) == PQTRANS_IDLE && state_->largest <= kLargestKept;
}

bool Connection::InTransaction() const {
  return state_->pg != nullptr && PQtransactionStatus(state_->pg.get()) == PQTRANS_INTRANS;
}

int Connection::server_version() const {
  return state_->pg == nullptr ? 0 : PQserverVersion(state_->pg.get());
}

}  // namespace countersign::postgres
