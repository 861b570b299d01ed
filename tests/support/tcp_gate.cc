#include "tests/support/tcp_gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "tests/support/fatal.h"

namespace countersign::testing {
namespace {

// How much of one direction is held before the sender has to wait.
constexpr size_t kMaxQueued = 1 << 20;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int NewSocket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) FatalErrno("socket");
  return fd;
}

void WithoutDelay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

}  // namespace

TcpGate::TcpGate(int server_port)
    : server_port_(server_port), listen_fd_(NewSocket()), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listen_fd_, 128) != 0 ||
      getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    FatalErrno("a gate's port");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Loop(); });
}

TcpGate::~TcpGate() {
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  close(listen_fd_);
  close(wake_fd_);
}

void TcpGate::Wake() {
  const uint64_t one = 1;
  (void)!write(wake_fd_, &one, sizeof one);
}

void TcpGate::Pass() {
  {
    base::MutexLock lock(&mutex_);
    drop_to_server_ = drop_to_client_ = refuse_ = false;
    delay_ = absl::ZeroDuration();
    allowance_to_server_.reset();
    allowance_to_client_.reset();
    marker_.clear();
    for (Link& link : links_) link.dead |= link.swallowed;
  }
  Wake();
}

void TcpGate::Drop(std::optional<Direction> direction) {
  base::MutexLock lock(&mutex_);
  drop_to_server_ = direction != Direction::kToClient;
  drop_to_client_ = direction != Direction::kToServer;
}

void TcpGate::Delay(absl::Duration delay) {
  base::MutexLock lock(&mutex_);
  delay_ = delay;
}

void TcpGate::CutAfter(Direction direction, size_t bytes) {
  base::MutexLock lock(&mutex_);
  (direction == Direction::kToServer ? allowance_to_server_ : allowance_to_client_) = bytes;
}

void TcpGate::CutOnMarker(std::string marker, CutPoint point) {
  base::MutexLock lock(&mutex_);
  marker_ = std::move(marker);
  marker_point_ = point;
  for (Link& link : links_) link.tail.clear();
}

void TcpGate::Refuse(bool refuse) {
  base::MutexLock lock(&mutex_);
  refuse_ = refuse;
}

void TcpGate::CutAll() {
  {
    base::MutexLock lock(&mutex_);
    for (Link& link : links_) link.dead = true;
  }
  Wake();
}

TcpGate::Counters TcpGate::counters() const {
  base::MutexLock lock(&mutex_);
  Counters counters = counters_;
  counters.open = static_cast<int>(links_.size());
  return counters;
}

bool TcpGate::WaitForCuts(int cuts, absl::Duration timeout) {
  const Instant until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
  base::MutexLock lock(&mutex_);
  while (counters_.cuts < cuts) {
    if (!cut_happened_.WaitUntil(&mutex_, until) && counters_.cuts < cuts) return false;
  }
  return true;
}

void TcpGate::Accept() {
  for (;;) {
    const int client = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    ++counters_.accepted;
    if (refuse_) {
      close(client);
      continue;
    }
    const sockaddr_in address = Loopback(server_port_);
    Link link;
    link.client = client;
    link.server = NewSocket();
    WithoutDelay(link.client);
    WithoutDelay(link.server);
    if (connect(link.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      link.dead = true;
    }
    links_.push_back(std::move(link));
  }
}

void TcpGate::Cut(Link& link) {
  link.dead = true;
  ++counters_.cuts;
  cut_happened_.NotifyAll();
}

void TcpGate::Read(Link& link, Direction direction) {
  Stream& stream = direction == Direction::kToServer ? link.to_server : link.to_client;
  char buffer[65536];
  const ssize_t count =
      recv(direction == Direction::kToServer ? link.client : link.server, buffer, sizeof buffer, 0);
  if (count > 0) {
    Take(link, direction, std::string(buffer, static_cast<size_t>(count)));
  } else if (count == 0) {
    stream.ended = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    link.dead = true;
  }
}

// Decides what becomes of bytes that have arrived.
void TcpGate::Take(Link& link, Direction direction, std::string bytes) {
  const bool to_server = direction == Direction::kToServer;
  if (to_server ? drop_to_server_ : drop_to_client_) {
    link.swallowed = true;
    return;
  }
  if (!to_server && link.cut_on_answer) return Cut(link);
  if (to_server && !marker_.empty()) {
    link.tail += bytes;
    if (link.tail.find(marker_) != std::string::npos) {
      marker_.clear();
      if (marker_point_ == CutPoint::kBeforeForwarding) return Cut(link);
      link.cut_on_answer = true;
    } else {
      link.tail.erase(0, link.tail.size() - std::min(link.tail.size(), marker_.size() - 1));
    }
  }
  std::optional<size_t>& allowance = to_server ? allowance_to_server_ : allowance_to_client_;
  if (allowance.has_value() && bytes.size() >= *allowance) {
    // What is let through is written before the connection closes, so it is not queued.
    bytes.resize(*allowance);
    allowance.reset();
    (void)!send(to_server ? link.server : link.client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    (to_server ? counters_.to_server : counters_.to_client) += bytes.size();
    return Cut(link);
  }
  if (allowance.has_value()) *allowance -= bytes.size();
  Stream& stream = to_server ? link.to_server : link.to_client;
  stream.queued += bytes.size();
  stream.chunks.push_back(
      {std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay_), std::move(bytes)});
}

// Sends on what is due, and the end of the stream after it.
void TcpGate::Write(Link& link, Direction direction, Instant now) {
  const bool to_server = direction == Direction::kToServer;
  Stream& stream = to_server ? link.to_server : link.to_client;
  const int receiver = to_server ? link.server : link.client;
  while (!stream.chunks.empty() && stream.chunks.front().due <= now) {
    std::string& bytes = stream.chunks.front().bytes;
    const ssize_t count = send(receiver, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) link.dead = true;
      return;
    }
    stream.queued -= static_cast<size_t>(count);
    (to_server ? counters_.to_server : counters_.to_client) += static_cast<size_t>(count);
    bytes.erase(0, static_cast<size_t>(count));
    if (!bytes.empty()) return;
    stream.chunks.pop_front();
  }
  if (stream.ended && stream.chunks.empty() && !stream.passed) {
    stream.passed = true;
    shutdown(receiver, SHUT_WR);
  }
}

// What to poll() one socket of a link for.
TcpGate::Interest TcpGate::InterestOf(const Stream& from, const Stream& to, bool connecting, Instant now) {
  Interest interest;
  if (connecting) {
    interest.events = POLLOUT;
    return interest;
  }
  if (!from.ended && from.queued < kMaxQueued) interest.events |= POLLIN;
  if (to.chunks.empty()) return interest;
  if (to.chunks.front().due <= now) {
    interest.events |= POLLOUT;
  } else {
    interest.due = to.chunks.front().due;
  }
  return interest;
}

void TcpGate::Loop() {
  for (;;) {
    std::vector<pollfd> descriptors = {{listen_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    Instant due = Instant::max();
    {
      base::MutexLock lock(&mutex_);
      if (stopping_) {
        for (const Link& link : links_) close(link.client), close(link.server);
        links_.clear();
        return;
      }
      links_.remove_if([](const Link& link) {
        if (link.dead) close(link.client), close(link.server);
        return link.dead;
      });
      const Instant now = std::chrono::steady_clock::now();
      for (const Link& link : links_) {
        const Interest client = InterestOf(link.to_server, link.to_client, false, now);
        const Interest server = InterestOf(link.to_client, link.to_server, link.connecting, now);
        // A negative descriptor is passed over, for one whose hang-up has been seen would never be quiet.
        descriptors.push_back({client.events == 0 ? -1 : link.client, client.events, 0});
        descriptors.push_back({server.events == 0 ? -1 : link.server, server.events, 0});
        due = std::min({due, client.due, server.due});
      }
    }
    int timeout = -1;
    if (due != Instant::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now());
      timeout = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
    }
    poll(descriptors.data(), descriptors.size(), timeout);
    base::MutexLock lock(&mutex_);
    Serve(descriptors);
  }
}

// After poll(): `descriptors` are the listener, the eventfd, and two for each link.
void TcpGate::Serve(const std::vector<pollfd>& descriptors) {
  uint64_t ignored = 0;
  (void)!read(wake_fd_, &ignored, sizeof ignored);
  const Instant now = std::chrono::steady_clock::now();
  size_t i = 2;
  for (Link& link : links_) {
    const short client = descriptors[i++].revents;
    const short server = descriptors[i++].revents;
    if (link.connecting && server != 0) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(link.server, SOL_SOCKET, SO_ERROR, &error, &size);
      link.connecting = false;
      link.dead |= error != 0;
      continue;
    }
    if (!link.dead && (client & (POLLIN | POLLHUP | POLLERR)) != 0) Read(link, Direction::kToServer);
    if (!link.dead && (server & (POLLIN | POLLHUP | POLLERR)) != 0) Read(link, Direction::kToClient);
    if (!link.dead && !link.connecting) Write(link, Direction::kToServer, now);
    if (!link.dead) Write(link, Direction::kToClient, now);
    if (link.to_server.passed && link.to_client.passed) link.dead = true;
  }
  if (descriptors[0].revents != 0) Accept();
}

}  // namespace countersign::testing
