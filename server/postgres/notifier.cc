#include "server/postgres/notifier.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/base/clock.h"
#include "server/postgres/deadline.h"

namespace countersign::postgres {
namespace {

constexpr size_t kMaxPayloadBytes = 7999;  // PostgreSQL: shorter than 8000.
constexpr size_t kMaxIdBytes = 1000;
constexpr size_t kMaxPending = 100'000;
constexpr absl::Duration kSendTimeout = absl::Seconds(5);

NotifierOptions WithInterrupt(NotifierOptions options, const Event& stop) {
  options.connect.interrupt_fd = stop.fd();
  return options;
}

}  // namespace

std::vector<std::string> PackPayloads(std::span<const std::string> ids) {
  std::vector<std::string> payloads;
  for (const std::string& id : ids) {
    if (payloads.empty() || payloads.back().size() + 1 + id.size() > kMaxPayloadBytes) {
      payloads.push_back(id);
    } else {
      absl::StrAppend(&payloads.back(), ",", id);
    }
  }
  return payloads;
}

std::vector<std::string> UnpackPayload(std::string_view payload) {
  return absl::StrSplit(absl::string_view(payload.data(), payload.size()), ',', absl::SkipEmpty());
}

Notifier::Notifier(NotifierOptions options, base::RandomSource* random)
    : options_(WithInterrupt(std::move(options), stop_)), backoff_(options_.backoff, random) {
  if (!options_.suppressed) thread_ = std::thread([this] { Run(); });
}

Notifier::~Notifier() {
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  stop_.Set();
  if (thread_.joinable()) thread_.join();
}

void Notifier::Notify(std::string id) {
  if (options_.suppressed || id.empty() || id.size() > kMaxIdBytes || id.find(',') != std::string::npos)
    return;
  {
    base::MutexLock lock(&mutex_);
    if (pending_.size() >= kMaxPending) return;
    pending_.insert(std::move(id));
    if (pending_.size() > 1) return;  // The thread knows already that there is something to send.
  }
  changed_.NotifyOne();
}

void Notifier::Run() {
  EnsureConnected();  // So that the first notification need not wait for it.
  for (;;) {
    const std::vector<std::string> ids = NextBatch();
    if (ids.empty()) return;
    if (EnsureConnected()) Send(ids);
  }
}

// Waits for an id, and until the last message is long enough ago. Empty when stopping.
std::vector<std::string> Notifier::NextBatch() {
  base::MutexLock lock(&mutex_);
  while (pending_.empty() && !stopping_) changed_.Wait(&mutex_);
  while (!stopping_ && changed_.WaitUntil(&mutex_, next_message_)) {
  }
  if (stopping_) return {};
  next_message_ = InstantIn(options_.spacing);
  const std::set<std::string> batch = std::exchange(pending_, {});
  return {batch.begin(), batch.end()};
}

bool Notifier::EnsureConnected() {
  if (connection_.has_value() && connection_->Alive()) return true;
  connection_.reset();
  if (std::chrono::steady_clock::now() < retry_at_) return false;
  auto connection = Connection::Connect(options_.connect);
  if (!connection.ok()) {
    retry_at_ = InstantIn(backoff_.Next());
    return false;
  }
  backoff_.Reset();
  connection_ = *std::move(connection);
  return true;
}

void Notifier::Send(const std::vector<std::string>& ids) {
  const auto sent = connection_->Query("SELECT pg_notify($1::text, p) FROM unnest($2::text[]) AS p",
                                       Parameters().Text(options_.channel).TextArray(PackPayloads(ids)),
                                       base::SystemClock().Now() + kSendTimeout);
  if (!sent.ok()) connection_.reset();
}

}  // namespace countersign::postgres
