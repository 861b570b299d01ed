#ifndef COUNTERSIGN_SERVER_POSTGRES_CONNECTION_H_
#define COUNTERSIGN_SERVER_POSTGRES_CONNECTION_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/postgres/deadline.h"
#include "server/postgres/sqlstate.h"

namespace countersign::postgres {

// Where operators' texts go: driver errors, notices. Called from any thread; never given a secret of ours,
// but driver text may hold row values, so it is for the log alone.
using Log = std::function<void(std::string_view)>;

struct PgDeleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using PgConnection = std::unique_ptr<PGconn, PgDeleter>;
using PgResult = std::unique_ptr<PGresult, PgDeleter>;
using PgNotify = std::unique_ptr<PGnotify, PgDeleter>;

// A statement that is prepared once per connection. Both are constants; the sql is one statement, its
// parameters are $1..$n with explicit casts, because all but Bytes travel as text.
struct Statement {
  const char* name;
  const char* sql;
};

struct ConnectOptions {
  std::string dsn = {};  // Either of libpq's forms. What it says wins over the next four.
  std::string application_name = "countersign";
  absl::Duration keepalive_idle = absl::Seconds(10);
  absl::Duration keepalive_interval = absl::Seconds(5);
  absl::Duration tcp_user_timeout = absl::Seconds(15);
  absl::Duration connect_timeout = absl::Seconds(5);  // For all of it: name, TCP, TLS, login.
  // What the server ends by itself, for statements whose cancellation it never heard of. Zero: no limit.
  absl::Duration statement_timeout = absl::Seconds(60);
  Log log = {};           // May be empty.
  int interrupt_fd = -1;  // Borrowed; once readable, everything that waits on the connection gives up.
};

// The values of one execution, in order: .Text(id).Int64(version).Null(). Text in all but Bytes is copied;
// Bytes is borrowed until the execution returns. Not thread-safe.
class Parameters {
 public:
  Parameters& Text(std::string_view value);
  Parameters& Int64(int64_t value);
  Parameters& Bool(bool value);
  Parameters& Bytes(std::string_view value);  // bytea, in binary.
  // timestamptz, as 2026-11-21T03:10:00.123456Z: rounded down to microseconds; infinities become 'infinity'.
  Parameters& Time(absl::Time value);
  Parameters& Null();
  Parameters& TextArray(std::span<const std::string> values);   // $n::text[]
  Parameters& Int64Array(std::span<const int64_t> values);      // $n::int8[]
  Parameters& BytesArray(std::span<const std::string> values);  // $n::bytea[], in hex: for digests
  Parameters& OptionalText(const std::optional<std::string>& value);
  Parameters& OptionalInt64(std::optional<int64_t> value);
  Parameters& OptionalTime(std::optional<absl::Time> value);

  size_t size() const { return values_.size(); }

 private:
  friend class Connection;
  struct Value {
    std::string text;
    std::string_view bytes;
    enum { kText, kBytes, kNull } kind = kNull;
  };
  std::vector<Value> values_;
};

// The rows of one execution. Cells are read by row and column, both from 0. A cell that is NULL, of another
// type or malformed reads as that type's empty value and is remembered: whoever read rows must return
// status() before using them, or unknown data would pass for empty data. Views live as long as the Result.
// Not thread-safe.
class Result {
 public:
  Result() = default;
  explicit Result(PgResult result);

  int rows() const;
  int columns() const;
  bool empty() const { return rows() == 0; }
  int64_t affected_rows() const;  // Of SELECT, INSERT, UPDATE, DELETE.

  bool IsNull(int row, int column) const;
  std::string_view Text(int row, int column) const;   // text, varchar, name, enum, json (not jsonb: cast it)
  std::string_view Bytes(int row, int column) const;  // bytea
  int64_t Int64(int row, int column) const;           // int2, int4, int8
  bool Bool(int row, int column) const;
  absl::Time Time(int row, int column) const;  // timestamptz, or int8: microseconds since 1970
  std::vector<std::string> TextArray(int row, int column) const;  // text[], one dimension
  // nullopt for NULL.
  std::optional<std::string> OptionalText(int row, int column) const;
  std::optional<int64_t> OptionalInt64(int row, int column) const;
  std::optional<absl::Time> OptionalTime(int row, int column) const;

  // DATA_CORRUPTED naming the first cell that could not be read as asked.
  absl::Status status() const;

 private:
  // The cell's bytes, or nothing, remembered as misread, if it is NULL or outside.
  std::optional<std::string_view> Cell(int row, int column) const;
  void Misread(int row, int column) const;

  PgResult result_;
  mutable std::string misread_;
};

struct Notification {
  std::string channel;
  std::string payload;
};

// One session with the server. Not thread-safe; movable. Owns the socket. Ignores SIGPIPE for the process.
//
// Deadlines are on the machine's clock (base::SystemClock), whatever clock the domain was given. A failed
// execution's status says through DeliveryOf() whether it can have taken effect. Every execution is its
// own transaction unless BEGIN was executed. When a deadline runs out, the server is asked to cancel, the
// connection is closed, and the status is DATABASE_TIMEOUT, in doubt once the statement was sent whole.
class Connection {
 public:
  // DATABASE_UNAVAILABLE when it cannot be had before `deadline` or the connect timeout; why is logged. Its
  // commits are on disk when they are answered, whatever the database's synchronous_commit is.
  static absl::StatusOr<Connection> Connect(const ConnectOptions& options,
                                            absl::Time deadline = absl::InfiniteFuture());
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  absl::Status Prepare(std::span<const Statement> statements, absl::Time deadline);

  // Executes a prepared statement: one round trip.
  absl::StatusOr<Result> Execute(const Statement& statement, const Parameters& parameters,
                                 absl::Time deadline);
  // Executes a statement that was not prepared: one round trip.
  absl::StatusOr<Result> Query(const std::string& sql, const Parameters& parameters, absl::Time deadline);
  // Executes several statements without parameters, as one transaction if they do not say otherwise.
  absl::Status Script(const std::string& sql, absl::Time deadline);

  // Returns once the server has sent something, or `timeout` is over, whichever is first (OK for both);
  // UNAVAILABLE if the connection is lost, CANCELLED if interrupted.
  absl::Status WaitReadable(absl::Duration timeout);
  std::vector<Notification> TakeNotifications();

  // Looks at the idle socket without a round trip: false when the server has gone.
  bool Alive();
  // Whether a pool may keep it: connected, outside any transaction, and not left with an outsized buffer.
  bool Reusable() const;
  bool InTransaction() const;

  int server_version() const;  // 150004 for 15.4.

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);

  enum class Wait { kReady, kTimedOut, kInterrupted };

  Wait WaitSocket(short events, Instant until, short* ready = nullptr) const;
  absl::Status PollConnect(Instant until);
  absl::StatusOr<Result> Send(const char* name, const char* sql, const Parameters& parameters,
                              absl::Time deadline);
  absl::Status ReadyToSend(Instant until, const char* what);
  absl::StatusOr<Result> Finish(int sent, Instant until, const char* what);
  absl::Status Flush(Instant until);
  absl::StatusOr<PgResult> AwaitResult(Instant until);
  absl::Status Failed(const PGresult* result, const char* what);
  absl::Status GiveUp(Wait why, Delivery delivery, const char* what);
  absl::Status Lost(Delivery delivery, const char* what);
  void Close();

  std::unique_ptr<State> state_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_CONNECTION_H_
