#ifndef COUNTERSIGN_SERVER_POSTGRES_NOTIFIER_H_
#define COUNTERSIGN_SERVER_POSTGRES_NOTIFIER_H_

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/postgres/backoff.h"
#include "server/postgres/connection.h"
#include "server/postgres/deadline.h"
#include "server/postgres/event.h"

namespace countersign::postgres {

struct NotifierOptions {
  ConnectOptions connect = {};
  std::string channel = "countersign_changed";
  // The least time between two messages; what changes meanwhile goes into the next one. Each message is a
  // commit of its own that wakes every listener, so under load there must be far fewer of them than changes.
  absl::Duration spacing = absl::Milliseconds(20);
  BackoffOptions backoff = {};
  bool suppressed = false;  // Sends nothing; for tests of what happens when notifications are lost.
};

// Tells the other brokers which proposals changed, on a connection and a thread of its own, several ids in
// one message. Thread-safe. A notification is a hint: ids are dropped while the database cannot be reached,
// and the listeners' poll makes up for it. Borrows `random`. Destruction drops what is not sent yet.
class Notifier {
 public:
  Notifier(NotifierOptions options, base::RandomSource* random);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Never blocks on the database. `id` has no comma and at most 1000 bytes; others are ignored.
  void Notify(std::string id) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::string> NextBatch() ABSL_LOCKS_EXCLUDED(mutex_);
  bool EnsureConnected();
  void Send(const std::vector<std::string>& ids);

  Event stop_;  // Before the options, which name its descriptor.
  const NotifierOptions options_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::set<std::string> pending_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Used by the thread alone.
  Backoff backoff_;
  std::optional<Connection> connection_;
  Instant retry_at_;
  Instant next_message_;

  std::thread thread_;
};

// Joins ids with commas into as few payloads as fit PostgreSQL's limit of 8000 bytes each.
std::vector<std::string> PackPayloads(std::span<const std::string> ids);
// The reverse, for one payload.
std::vector<std::string> UnpackPayload(std::string_view payload);

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_NOTIFIER_H_
