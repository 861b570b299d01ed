#ifndef COUNTERSIGN_SERVER_WATCH_WATCHERS_H_
#define COUNTERSIGN_SERVER_WATCH_WATCHERS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/storage/store.h"
#include "server/watch/resume_token.h"

namespace countersign::watch {

class Watchers;

// One message to a watcher: a proposal as it is now, or a sign of life when `record` is null.
struct Event {
  std::shared_ptr<const storage::Record> record;
  std::string resume_token;
};

// Where a session's messages go. Called under the session's lock, one Write() at a time, Finish() once and
// last; must neither block nor call the session.
class Sink {
 public:
  virtual void Write(const Event& event) = 0;
  virtual void Finish(absl::Status status) = 0;

 protected:
  ~Sink() = default;
};

// One watcher: one write in flight, at most `max_queued` waiting; a slower reader is cut off with OVERLOADED
// and resumes. Until it has caught up it is given pages as fast as it reads them, so catching up never cuts
// it off. Thread-safe. Holds no reference to the sink after Finish() or Detach().
class Session : public std::enable_shared_from_this<Session> {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // The write in flight is done.
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the stream. No effect when it has ended.
  void Finish(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // The sink is about to go. To be called exactly once; gives the watcher's place to others.
  void Detach() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class Watchers;

  enum class Phase { kListing, kCatchingUp, kLive };
  struct Sent {
    int64_t version = 0;
    absl::Time update_time;
  };
  struct Queued {
    std::shared_ptr<const storage::Record> record;
    Position position;
  };

  Session(Watchers* watchers, Sink* sink, std::string target,
          std::function<bool(const v1::Proposal&)> may_see, std::function<absl::Status()> permitted,
          Position start, SteadyTime now);

  bool Wants(const v1::Proposal& proposal) const;
  // Queues the record unless this version was queued before. `claim` is what has been queued once it is.
  void Offer(const std::shared_ptr<const storage::Record>& record, const Position& claim)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // `live_claim` is null for a session that is catching up.
  void SignOfLife(SteadyTime now, const Position* live_claim) ABSL_LOCKS_EXCLUDED(mutex_);
  // True once per page that fits into the queue; the page then has to be read.
  bool AskForPageLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueLocked(Queued message, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetLocked(absl::Time before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Watchers* const watchers_;  // Outlives the session's use.
  const std::string target_;
  const std::function<bool(const v1::Proposal&)> may_see_;
  const std::function<absl::Status()> permitted_;

  base::Mutex mutex_;
  Sink* sink_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool page_asked_ ABSL_GUARDED_BY(mutex_) = false;
  Phase phase_ ABSL_GUARDED_BY(mutex_);
  // While catching up: when the first page was read that held something younger than its slack.
  absl::Time crossed_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  // What the queue, once written, has said; where the next page starts.
  Position claimed_ ABSL_GUARDED_BY(mutex_);
  Position next_page_ ABSL_GUARDED_BY(mutex_);
  SteadyTime last_queued_ ABSL_GUARDED_BY(mutex_);
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  // Only what a later read could bring again.
  absl::flat_hash_map<std::string, Sent> sent_ ABSL_GUARDED_BY(mutex_);
  size_t forget_at_ ABSL_GUARDED_BY(mutex_) = 1024;
};

// The streams of WatchProposals. Level-triggered: every proposal that changes is sent in its latest state at
// least once; states in between may be left out, and the same version is sent once per session.
//
// Each read takes what was updated since the last read began, less `slack`; likewise a resume token names a
// time `slack` before the read that it vouches for. So nothing is lost as long as a commit's delay after its
// update_time and the difference between any two brokers' clocks stay below `slack` together.
//
// One timer thread, at most one read at a time, on the executor. Thread-safe, and free of gRPC.
class Watchers {
 public:
  using SteadyTime = Session::SteadyTime;
  using MaySee = std::function<bool(const v1::Proposal&)>;
  using Permitted = std::function<absl::Status()>;

  struct Options {
    // 32 bytes, the same on all replicas.
    std::string token_key;
    std::chrono::milliseconds poll_interval{1000};
    std::chrono::milliseconds read_timeout{5000};
    // A silent stream gets a sign of life after this; below the 30 seconds of the contract.
    std::chrono::milliseconds sign_of_life{20000};
    absl::Duration slack = absl::Seconds(10);
    size_t max_watchers = 256;
    size_t max_queued = 1000;
    int page_size = 500;
    // Tests bring their own and call Tick() instead of Start().
    std::function<SteadyTime()> steady_now = [] { return std::chrono::steady_clock::now(); };
  };

  // Everything is borrowed and outlives the watchers, which outlive every use of their sessions.
  Watchers(Options options, storage::Store* store, const base::Clock* clock, base::Executor* executor);
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // Starts the timer thread. At most once.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);

  // Opens a stream to `sink`. An empty token starts with everything that is PENDING now. `target` may be
  // empty. `may_see` is asked for every proposal, `permitted` about once per `poll_interval`: its error ends
  // the stream. INVALID_FIELD for a token that is not ours; OVERLOADED over `max_watchers` and after
  // Shutdown(). The sink stays in use until it is finished or the session is detached.
  absl::StatusOr<std::shared_ptr<Session>> Watch(std::string_view resume_token, std::string target,
                                                 MaySee may_see, Permitted permitted, Sink* sink)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // As in Hub.
  void OnChanged(const storage::Record& record) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnNotified(const std::vector<std::string>& ids, bool catch_up) ABSL_LOCKS_EXCLUDED(mutex_);
  void Tick() ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all streams with OVERLOADED and refuses new ones.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

  size_t watching() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class Session;
  using Sessions = std::vector<std::shared_ptr<Session>>;

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void WantPage(std::shared_ptr<Session> session) ABSL_LOCKS_EXCLUDED(mutex_);
  // The session has ended: no more events. Its place stays taken until Leave().
  void Remove(const Session* session) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  bool HasWorkLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts the reader on the executor unless it is there or has nothing to do.
  void StartReading() ABSL_LOCKS_EXCLUDED(mutex_);
  void Read() ABSL_LOCKS_EXCLUDED(mutex_);
  bool ReadOnce() ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadNotified(const std::vector<std::string>& ids) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadUpdated() ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadPage(const std::shared_ptr<Session>& session) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ReadListed(const std::shared_ptr<Session>& session, Position from) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ReadCatchUp(const std::shared_ptr<Session>& session, Position from, absl::Time crossed)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void GoLive(const std::shared_ptr<Session>& session, absl::Time read_began) ABSL_LOCKS_EXCLUDED(mutex_);
  Position LiveClaimLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t PageSize() const;
  absl::Time ReadDeadline() const;

  const Options options_;
  storage::Store* const store_;
  const base::Clock* const clock_;
  base::Executor* const executor_;

  mutable base::Mutex mutex_;
  base::CondVar wake_;
  base::CondVar idle_;
  size_t places_taken_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<const Session*, std::shared_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  // Those that have caught up; replaced, never changed, so that readers need no lock while they use it.
  std::shared_ptr<const Sessions> live_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Sessions>();
  // When the last complete read for the live sessions began.
  absl::Time watermark_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();

  // Work for the reader.
  absl::flat_hash_set<std::string> notified_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Session>> pages_wanted_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Session>> pages_failed_ ABSL_GUARDED_BY(mutex_);  // Again at the next poll.
  bool scan_wanted_ ABSL_GUARDED_BY(mutex_) = false;

  SteadyTime next_poll_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace countersign::watch

#endif  // COUNTERSIGN_SERVER_WATCH_WATCHERS_H_
