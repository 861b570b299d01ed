#ifndef COUNTERSIGN_SERVER_POSTGRES_LISTENER_H_
#define COUNTERSIGN_SERVER_POSTGRES_LISTENER_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/base/random.h"
#include "server/postgres/backoff.h"
#include "server/postgres/connection.h"
#include "server/postgres/event.h"

namespace countersign::postgres {

struct ListenerOptions {
  ConnectOptions connect = {};
  std::string channel = "countersign_changed";
  // The longest time between two calls with catch_up, connected or not.
  absl::Duration poll_interval = absl::Seconds(1);
  BackoffOptions backoff = {};
};

// Hears of changes made by other brokers, on a connection and a thread of its own. Borrows `random`.
class Listener {
 public:
  // `ids` are the proposals named by notifications, perhaps with repetitions. With `catch_up`, anything may
  // have changed unheard: the callee looks at everything it waits for. Called on the listener's thread, which
  // hears nothing meanwhile. Called with catch_up right after each LISTEN, and at least every poll interval.
  using OnWake = std::function<void(const std::vector<std::string>& ids, bool catch_up)>;

  Listener(ListenerOptions options, base::RandomSource* random, OnWake on_wake);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Returns once the callback has returned for the last time. Interrupts whatever is being waited for. Not to
  // be called from the callback.
  void Stop();

 private:
  void Run();
  absl::StatusOr<Connection> Listen();
  void Hear(Connection connection);
  bool StopWithin(absl::Duration time);  // Waits; true as soon as Stop() was called.

  Event stop_;  // Before the options, which name its descriptor.
  const ListenerOptions options_;
  const OnWake on_wake_;
  Backoff backoff_;
  std::thread thread_;
};

}  // namespace countersign::postgres

#endif  // COUNTERSIGN_SERVER_POSTGRES_LISTENER_H_
