#include "server/postgres/listener.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "server/base/clock.h"
#include "server/postgres/deadline.h"
#include "server/postgres/notifier.h"

namespace countersign::postgres {
namespace {

ListenerOptions WithInterrupt(ListenerOptions options, const Event& stop) {
  options.connect.interrupt_fd = stop.fd();
  return options;
}

}  // namespace

Listener::Listener(ListenerOptions options, base::RandomSource* random, OnWake on_wake)
    : options_(WithInterrupt(std::move(options), stop_)),
      on_wake_(std::move(on_wake)),
      backoff_(options_.backoff, random),
      thread_([this] { Run(); }) {}

Listener::~Listener() { Stop(); }

void Listener::Stop() {
  stop_.Set();
  if (thread_.joinable()) thread_.join();
}

void Listener::Run() {
  while (!StopWithin(absl::ZeroDuration())) {
    auto connection = Listen();
    // What was sent while we did not listen is gone. And while we cannot listen, this is the poll.
    on_wake_({}, /*catch_up=*/true);
    if (connection.ok()) {
      backoff_.Reset();
      Hear(*std::move(connection));
    }
    if (StopWithin(std::min(backoff_.Next(), options_.poll_interval))) return;
  }
}

// Bounded by the poll interval, for as long as it tries nobody polls.
absl::StatusOr<Connection> Listener::Listen() {
  const absl::Time deadline = base::SystemClock().Now() + options_.poll_interval;
  auto connection = Connection::Connect(options_.connect, deadline);
  if (!connection.ok()) return connection;
  const std::string channel = absl::StrReplaceAll(options_.channel, {{"\"", "\"\""}});
  const absl::Status listening = connection->Script(absl::StrCat("LISTEN \"", channel, "\""), deadline);
  if (!listening.ok()) return listening;
  return connection;
}

// Returns when the connection is lost, or when stopping.
void Listener::Hear(Connection connection) {
  Instant poll_at = InstantIn(options_.poll_interval);
  for (;;) {
    std::vector<std::string> ids;
    for (const Notification& notification : connection.TakeNotifications()) {
      for (std::string& id : UnpackPayload(notification.payload)) ids.push_back(std::move(id));
    }
    const bool catch_up = std::chrono::steady_clock::now() >= poll_at;
    if (catch_up || !ids.empty()) on_wake_(ids, catch_up);
    if (catch_up) poll_at = InstantIn(options_.poll_interval);
    if (!connection.WaitReadable(std::max(TimeUntil(poll_at), absl::ZeroDuration())).ok()) return;
  }
}

bool Listener::StopWithin(absl::Duration time) {
  const Instant until = InstantIn(time);
  for (;;) {
    pollfd descriptor = {stop_.fd(), POLLIN, 0};
    const absl::Duration left =
        absl::Ceil(std::max(TimeUntil(until), absl::ZeroDuration()), absl::Milliseconds(1));
    if (poll(&descriptor, 1, static_cast<int>(absl::ToInt64Milliseconds(left))) > 0) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
  }
}

}  // namespace countersign::postgres
