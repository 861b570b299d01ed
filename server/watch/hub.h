#ifndef COUNTERSIGN_SERVER_WATCH_HUB_H_
#define COUNTERSIGN_SERVER_WATCH_HUB_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/storage/store.h"

namespace countersign::watch {

// Wakes those who wait for a proposal to leave a state. The row is the truth: a wake-up, from this broker,
// from another one or from the clock, only makes the hub look. So a lost notification costs at most
// `poll_interval`.
//
// However many wait, there is one timer thread and at most one read at a time, each for up to `batch`
// proposals; a waiter costs some 300 bytes here. Reads run on the executor; when it refuses, the hub tries
// again at the next tick. While reads fail, waiters stay until their deadline and get the failure then.
//
// Thread-safe, and free of gRPC so that ThreadSanitizer can judge it. No callback runs under a lock of the
// hub.
class Hub {
 public:
  using WaiterId = uint64_t;
  using SteadyTime = std::chrono::steady_clock::time_point;
  using MaySee = std::function<bool(const v1::Proposal&)>;
  using Done = std::function<void(absl::StatusOr<v1::Proposal>)>;

  struct Options {
    std::chrono::milliseconds poll_interval{1000};
    // How long one read may take.
    std::chrono::milliseconds read_timeout{5000};
    size_t max_waiters = 50000;
    // Proposals in one read.
    size_t batch = 2000;
    // Tests bring their own and call Tick() instead of Start().
    std::function<SteadyTime()> steady_now = [] { return std::chrono::steady_clock::now(); };
  };

  // Everything is borrowed and outlives the hub. `clock` is for the deadlines of reads only.
  Hub(Options options, storage::Store* store, const base::Clock* clock, base::Executor* executor);
  // Shutdown(), then waits for the read in flight. The executor must still run, or have run, what it
  // accepted.
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Starts the timer thread. At most once.
  void Start() ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `done` exactly once, possibly before Wait() returns: with the proposal when it is not in
  // `while_state`, or at `deadline` with what it is then; NOT_FOUND when there is none or `may_see` says no;
  // CANCELLED after Cancel(); OVERLOADED after Shutdown() and over `max_waiters`; what the read said when it
  // failed at the deadline. The row is read after the waiter is registered, so no change is missed. `may_see`
  // may be called from several threads, also after `done`.
  WaiterId Wait(std::string proposal_id, v1::Proposal::State while_state, SteadyTime deadline, MaySee may_see,
                Done done) ABSL_LOCKS_EXCLUDED(mutex_);
  // Answers the waiter with CANCELLED, unless it is answered already.
  void Cancel(WaiterId id) ABSL_LOCKS_EXCLUDED(mutex_);

  // This broker committed this record: its waiters need no read.
  void OnChanged(const storage::Record& record) ABSL_LOCKS_EXCLUDED(mutex_);
  // Another broker says that these changed; `catch_up` says that notifications may have been lost.
  void OnNotified(const std::vector<std::string>& ids, bool catch_up) ABSL_LOCKS_EXCLUDED(mutex_);

  // Does what is due now. The timer thread calls it on schedule, a test whenever it likes.
  void Tick() ABSL_LOCKS_EXCLUDED(mutex_);

  // Answers everybody with OVERLOADED, so that they go to another broker, and refuses new waiters.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiter {
    std::string proposal_id;
    v1::Proposal::State while_state = v1::Proposal::PENDING;
    SteadyTime deadline;
    MaySee may_see;
    Done done;
    size_t index = 0;  // In its proposal's list.
    bool expired = false;
  };
  // A waiter that nobody else can reach any more, and what it will be told.
  struct Answer {
    Waiter waiter;
    absl::Status status;
    std::shared_ptr<const v1::Proposal> proposal;
  };
  struct Look {
    WaiterId id = 0;
    std::string proposal_id;
    MaySee may_see;
  };
  // What one read is for: whole rows for `looks`, or only what moved of `watched`.
  struct Batch {
    std::vector<Look> looks;
    std::vector<storage::Watched> watched;
    bool polled = false;
  };

  // Takes `*waiter`, unless it refuses.
  absl::Status Register(Waiter* waiter, WaiterId* id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void ExpireLocked(SteadyTime now, std::vector<Answer>* answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Waiter ClaimLocked(WaiterId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Answer> ClaimAllLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWorkLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Puts the reader on the executor unless it is there or has nothing to do.
  void StartReading() ABSL_LOCKS_EXCLUDED(mutex_);
  void Read() ABSL_LOCKS_EXCLUDED(mutex_);
  bool TakeBatch(Batch* batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeLooksLocked(Batch* batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakePollLocked(Batch* batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddWatchedLocked(const std::string& proposal_id, const std::vector<WaiterId>& waiters,
                        std::vector<storage::Watched>* watched) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadLooks(const Batch& batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReadMoved(const Batch& batch) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Time ReadDeadline() const;

  void Deliver(std::vector<Answer> answers);
  static void DeliverRange(std::vector<Answer>* answers, size_t begin, size_t end);

  const Options options_;
  storage::Store* const store_;
  const base::Clock* const clock_;
  base::Executor* const executor_;

  mutable base::Mutex mutex_;
  base::CondVar wake_;
  base::CondVar idle_;
  WaiterId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<WaiterId, Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::string, std::vector<WaiterId>> by_proposal_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<SteadyTime, WaiterId>> deadlines_ ABSL_GUARDED_BY(mutex_);

  // Work for the reader, most urgent first.
  absl::flat_hash_set<std::string> notified_ ABSL_GUARDED_BY(mutex_);
  std::deque<WaiterId> to_look_ ABSL_GUARDED_BY(mutex_);
  std::vector<WaiterId> look_again_ ABSL_GUARDED_BY(mutex_);  // Failed; at the next poll.
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;
  bool poll_again_ ABSL_GUARDED_BY(mutex_) = false;
  std::string poll_after_ ABSL_GUARDED_BY(mutex_);

  SteadyTime next_poll_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  int jobs_ ABSL_GUARDED_BY(mutex_) = 0;  // Of ours on the executor.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace countersign::watch

#endif  // COUNTERSIGN_SERVER_WATCH_HUB_H_
