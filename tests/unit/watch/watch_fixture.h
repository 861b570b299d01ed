// What the tests of waiting and watching share: a store in memory, two clocks that move only when told, and
// an executor of one thread, so that its work is done when a task submitted later has run.
#ifndef COUNTERSIGN_TESTS_UNIT_WATCH_WATCH_FIXTURE_H_
#define COUNTERSIGN_TESTS_UNIT_WATCH_WATCH_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include "server/base/executor.h"
#include "server/base/timestamps.h"
#include "server/storage/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"

namespace countersign::watch {

using SteadyTime = std::chrono::steady_clock::time_point;

// "p" and the number, in the alphabet and length of an id.
inline std::string IdOf(int number) {
  std::string id = "p";
  for (int i = 0; i < 23; ++i, number /= 26) id += static_cast<char>('a' + number % 26);
  return id;
}

class WatchFixture : public ::testing::Test {
 protected:
  SteadyTime Now() const { return SteadyTime(std::chrono::milliseconds(steady_milliseconds_.load())); }
  // Moves both clocks.
  void Advance(std::chrono::milliseconds by) {
    steady_milliseconds_ += by.count();
    clock_.Advance(absl::FromChrono(by));
  }

  // Everything that was given to the executor has run.
  void Settle() {
    std::promise<void> done;
    ASSERT_TRUE(executor_.TrySubmit([&done] { done.set_value(); }));
    done.get_future().wait();
  }

  // Brings the proposal into `state` and returns the record, as the broker that did it would hand it on.
  storage::Record Put(const std::string& id, v1::Proposal::State state,
                      const std::string& target = "targets/db") {
    return PutAt(id, state, clock_.Now(), target);
  }
  storage::Record PutAt(const std::string& id, v1::Proposal::State state, absl::Time update_time,
                        const std::string& target = "targets/db") {
    storage::Change change;
    const auto before = store_.Get(id, absl::InfiniteFuture());
    if (before.ok()) {
      change.expected_version = before->version;
      change.proposal = before->proposal;
    } else {
      change.proposal.set_name("proposals/" + id);
      change.proposal.mutable_action()->set_target(target);
      *change.proposal.mutable_create_time() = base::ToTimestamp(update_time);
    }
    change.proposal.set_state(state);
    *change.proposal.mutable_update_time() = base::ToTimestamp(update_time);
    EXPECT_OK(store_.Commit(change, absl::InfiniteFuture()));
    auto record = store_.Get(id, absl::InfiniteFuture());
    EXPECT_OK(record);
    return *record;
  }

  testing::FakeClock clock_;
  std::atomic<int64_t> steady_milliseconds_ = 1'000'000;
  testing::FakeStore store_;
  base::Executor executor_{1, 1000};
};

}  // namespace countersign::watch

#endif  // COUNTERSIGN_TESTS_UNIT_WATCH_WATCH_FIXTURE_H_
