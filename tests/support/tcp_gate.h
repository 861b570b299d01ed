#ifndef COUNTERSIGN_TESTS_SUPPORT_TCP_GATE_H_
#define COUNTERSIGN_TESTS_SUPPORT_TCP_GATE_H_

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace countersign::testing {

// A proxy on a free port of 127.0.0.1 that hurts the connections through it as told. Starts passing
// everything. Faults hold for the connections there are and for those to come. Thread-safe. The thread is
// joined, and every connection closed, on destruction.
class TcpGate {
 public:
  enum class Direction { kToServer, kToClient };
  enum class CutPoint {
    kBeforeForwarding,  // The server never sees what the marker is part of.
    kBeforeAnswer,      // The server gets it and answers; the client sees the connection end instead.
  };

  explicit TcpGate(int server_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  int port() const { return port_; }

  // Ends all the faults below. What a black hole swallowed stays lost: its connections are closed.
  void Pass();
  // A black hole: connections open and stay open, and nothing gets through. In one direction if one is given.
  void Drop(std::optional<Direction> direction = std::nullopt);
  // Every byte arrives that much later, in both directions.
  void Delay(absl::Duration delay);
  // Once: lets `bytes` more through in that direction, then closes the connection that brought the last one.
  void CutAfter(Direction direction, size_t bytes);
  // Once: closes the connection on which the client sends `marker`, for example "COMMIT" or a statement's
  // name.
  void CutOnMarker(std::string marker, CutPoint point);
  // Closes new connections at once.
  void Refuse(bool refuse);
  // Closes the connections there are.
  void CutAll();

  struct Counters {
    int accepted = 0;  // Refused ones included.
    int open = 0;
    int cuts = 0;          // By CutAfter and CutOnMarker.
    size_t to_server = 0;  // Bytes forwarded.
    size_t to_client = 0;
  };
  Counters counters() const;
  // Waits until CutAfter and CutOnMarker have cut `cuts` times since the start; false when time runs out.
  bool WaitForCuts(int cuts, absl::Duration timeout);

 private:
  using Instant = std::chrono::steady_clock::time_point;
  struct Chunk {
    Instant due;
    std::string bytes;
  };
  struct Stream {
    std::deque<Chunk> chunks;
    size_t queued = 0;
    bool ended = false;   // The sender has closed.
    bool passed = false;  // And the receiver was told.
  };
  struct Link {
    int client = -1;
    int server = -1;
    bool connecting = true;
    bool dead = false;
    bool swallowed = false;  // A black hole took something of it.
    bool cut_on_answer = false;
    std::string tail;  // The client's last bytes, for a marker that spans two reads.
    Stream to_server;
    Stream to_client;
  };

  struct Interest {
    short events = 0;
    Instant due = Instant::max();
  };

  static Interest InterestOf(const Stream& from, const Stream& to, bool connecting, Instant now);
  void Wake();
  void Loop();
  void Serve(const std::vector<pollfd>& descriptors) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Read(Link& link, Direction direction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(Link& link, Direction direction, std::string bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(Link& link, Direction direction, Instant now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cut(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int server_port_;
  int port_ = 0;
  int listen_fd_ = -1;
  int wake_fd_ = -1;
  mutable base::Mutex mutex_;
  base::CondVar cut_happened_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool drop_to_server_ ABSL_GUARDED_BY(mutex_) = false;
  bool drop_to_client_ ABSL_GUARDED_BY(mutex_) = false;
  bool refuse_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration delay_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  std::optional<size_t> allowance_to_server_ ABSL_GUARDED_BY(mutex_);
  std::optional<size_t> allowance_to_client_ ABSL_GUARDED_BY(mutex_);
  std::string marker_ ABSL_GUARDED_BY(mutex_);
  CutPoint marker_point_ ABSL_GUARDED_BY(mutex_) = CutPoint::kBeforeForwarding;
  std::list<Link> links_ ABSL_GUARDED_BY(mutex_);
  Counters counters_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_SUPPORT_TCP_GATE_H_
