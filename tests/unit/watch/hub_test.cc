#include "server/watch/hub.h"

#include <malloc.h>

#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tests/unit/watch/watch_fixture.h"

namespace countersign::watch {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::countersign::testing::StatusIs;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What waiters were told. Fails the test when one is told twice.
class Answers {
 public:
  Hub::Done For(int waiter) {
    return [this, waiter](absl::StatusOr<v1::Proposal> answer) {
      base::MutexLock lock(&mutex_);
      EXPECT_TRUE(answers_.emplace(waiter, std::move(answer)).second)
          << "waiter " << waiter << " answered twice";
      changed_.NotifyAll();
    };
  }
  size_t count() {
    base::MutexLock lock(&mutex_);
    return answers_.size();
  }
  absl::StatusOr<v1::Proposal> Of(int waiter) {
    base::MutexLock lock(&mutex_);
    const auto found = answers_.find(waiter);
    return found == answers_.end() ? absl::NotFoundError("not answered") : found->second;
  }
  // Only where threads race; elsewhere the executor is settled.
  bool AwaitCount(size_t count) {
    const auto give_up = std::chrono::steady_clock::now() + seconds(60);
    base::MutexLock lock(&mutex_);
    while (answers_.size() < count) {
      if (!changed_.WaitUntil(&mutex_, give_up)) return false;
    }
    return true;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<int, absl::StatusOr<v1::Proposal>> answers_;
};

class HubTest : public WatchFixture {
 protected:
  Hub::Options Options() {
    Hub::Options options;
    options.steady_now = [this] { return Now(); };
    return options;
  }
  std::unique_ptr<Hub> NewHub(Hub::Options options) {
    return std::make_unique<Hub>(std::move(options), &store_, &clock_, &executor_);
  }
  Hub::WaiterId Wait(int waiter, const std::string& id, v1::Proposal::State state = v1::Proposal::PENDING,
                     milliseconds timeout = seconds(30)) {
    return hub_->Wait(
        id, state, Now() + timeout, [](const v1::Proposal&) { return true; }, answers_.For(waiter));
  }
  v1::Proposal::State StateTold(int waiter) {
    const auto answer = answers_.Of(waiter);
    EXPECT_THAT(answer, IsOk());
    return answer.ok() ? answer->state() : v1::Proposal::STATE_UNSPECIFIED;
  }

  Answers answers_;
  std::unique_ptr<Hub> hub_ = NewHub(Options());
};

TEST_F(HubTest, WakesOnAChangeOfThisBrokerWithoutAnotherRead) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Settle();
  EXPECT_EQ(answers_.count(), 0u);
  const storage::Record approved = Put("a", v1::Proposal::APPROVED);
  const size_t reads = store_.reads();
  hub_->OnChanged(approved);
  EXPECT_EQ(StateTold(1), v1::Proposal::APPROVED);
  EXPECT_EQ(store_.reads(), reads);
  EXPECT_EQ(hub_->waiting(), 0u);
}

TEST_F(HubTest, AnswersAtOnceWhenTheDecisionCameBeforeTheWait) {
  Put("a", v1::Proposal::PENDING);
  Put("a", v1::Proposal::DENIED);
  Wait(1, "a");
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::DENIED);
}

TEST_F(HubTest, SaysNotFoundOfWhatIsNotThere) {
  Wait(1, "missing");
  Settle();
  EXPECT_THAT(answers_.Of(1), HasReason(v1::NOT_FOUND));
}

TEST_F(HubTest, SaysNotFoundAtOnceOfWhatTheCallerMayNotSee) {
  Put("a", v1::Proposal::PENDING);
  hub_->Wait(
      "a", v1::Proposal::PENDING, Now() + seconds(30), [](const v1::Proposal&) { return false; },
      answers_.For(1));
  Settle();
  EXPECT_THAT(answers_.Of(1), HasReason(v1::NOT_FOUND));
}

TEST_F(HubTest, DoesNotTellWhatTheCallerMayNoLongerSee) {
  const storage::Record record = Put("a", v1::Proposal::PENDING);
  hub_->Wait(
      "a", v1::Proposal::PENDING, Now() + seconds(30),
      [](const v1::Proposal& proposal) { return proposal.state() == v1::Proposal::PENDING; },
      answers_.For(1));
  Settle();
  hub_->OnChanged(Put("a", v1::Proposal::APPROVED));
  EXPECT_THAT(answers_.Of(1), HasReason(v1::NOT_FOUND));
}

TEST_F(HubTest, ReadsWhatAnotherBrokerSaysHasChangedInOneRead) {
  for (int i = 0; i < 50; ++i) {
    Put(IdOf(i), v1::Proposal::PENDING);
    Wait(i, IdOf(i));
  }
  Settle();
  std::vector<std::string> notified;
  for (int i = 0; i < 20; ++i) {
    Put(IdOf(i), v1::Proposal::APPROVED);
    notified.push_back(IdOf(i));
  }
  const size_t reads = store_.reads();
  hub_->OnNotified(notified, /*catch_up=*/false);
  Settle();
  EXPECT_EQ(answers_.count(), 20u);
  EXPECT_EQ(StateTold(7), v1::Proposal::APPROVED);
  EXPECT_EQ(store_.reads(), reads + 1);
}

TEST_F(HubTest, ReadsNothingForProposalsThatNobodyWaitsFor) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Settle();
  const size_t reads = store_.reads();
  hub_->OnNotified({"b", "c"}, /*catch_up=*/false);
  Settle();
  EXPECT_EQ(store_.reads(), reads);
}

TEST_F(HubTest, ALostNotificationCostsOnePoll) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Settle();
  Put("a", v1::Proposal::APPROVED);
  Advance(milliseconds(999));
  hub_->Tick();
  Settle();
  EXPECT_EQ(answers_.count(), 0u);
  Advance(milliseconds(1));
  hub_->Tick();
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::APPROVED);
}

TEST_F(HubTest, CatchesUpWhenNotificationsMayHaveBeenLost) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Settle();
  Put("a", v1::Proposal::APPROVED);
  hub_->OnNotified({}, /*catch_up=*/true);
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::APPROVED);
}

TEST_F(HubTest, DoesNotPollWhenNobodyWaits) {
  const size_t reads = store_.reads();
  Advance(seconds(10));
  hub_->Tick();
  Settle();
  EXPECT_EQ(store_.reads(), reads);
}

TEST_F(HubTest, AnswersAtTheDeadlineWithTheLatestState) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a", v1::Proposal::PENDING, milliseconds(500));
  Settle();
  Advance(milliseconds(499));
  hub_->Tick();
  Settle();
  EXPECT_EQ(answers_.count(), 0u);
  Advance(milliseconds(1));
  hub_->Tick();
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::PENDING);
}

TEST_F(HubTest, ReadsInBatchesWhenThousandsExpireTogether) {
  constexpr int kWaiters = 3000;
  for (int i = 0; i < kWaiters; ++i) {
    Put(IdOf(i % 1000), v1::Proposal::PENDING);
    Wait(i, IdOf(i % 1000), v1::Proposal::PENDING, milliseconds(500));
  }
  Settle();
  const size_t reads = store_.reads();
  Advance(milliseconds(500));
  hub_->Tick();
  Settle();
  Settle();  // Most answers are a second task.
  EXPECT_EQ(answers_.count(), static_cast<size_t>(kWaiters));
  EXPECT_LE(store_.reads() - reads, 2u);
}

TEST_F(HubTest, KeepsWaitersWhileTheDatabaseIsGoneAndTellsThemAtTheirDeadline) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a", v1::Proposal::PENDING, seconds(3));
  Settle();
  store_.FailWith(error::Make(v1::DATABASE_UNAVAILABLE, "gone"));
  for (int i = 0; i < 2; ++i) {
    Advance(seconds(1));
    hub_->Tick();
    Settle();
  }
  EXPECT_EQ(answers_.count(), 0u);
  Advance(seconds(1));
  hub_->Tick();
  Settle();
  EXPECT_THAT(answers_.Of(1), HasReason(v1::DATABASE_UNAVAILABLE));
}

TEST_F(HubTest, LooksAgainWhenTheFirstLookFailed) {
  Put("a", v1::Proposal::PENDING);
  Put("a", v1::Proposal::APPROVED);
  store_.FailWith(error::Make(v1::DATABASE_UNAVAILABLE, "gone"));
  Wait(1, "a");
  Settle();
  EXPECT_EQ(answers_.count(), 0u);
  store_.FailWith(absl::OkStatus());
  Advance(seconds(1));
  hub_->Tick();
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::APPROVED);
}

TEST_F(HubTest, TriesAgainAtTheNextTickWhenTheExecutorIsFull) {
  base::Executor full(1, 1);
  hub_ = std::make_unique<Hub>(Options(), &store_, &clock_, &full);
  Put("a", v1::Proposal::PENDING);
  std::promise<void> running;
  std::promise<void> release;
  ASSERT_TRUE(full.TrySubmit([&] {
    running.set_value();
    release.get_future().wait();
  }));
  running.get_future().wait();
  ASSERT_TRUE(full.TrySubmit([] {}));
  Put("a", v1::Proposal::APPROVED);
  Wait(1, "a");
  EXPECT_EQ(answers_.count(), 0u);
  release.set_value();
  while (full.queued() > 0) std::this_thread::yield();
  hub_->Tick();
  ASSERT_TRUE(answers_.AwaitCount(1));
  EXPECT_EQ(StateTold(1), v1::Proposal::APPROVED);
  hub_.reset();
}

TEST_F(HubTest, AnswersSoonAfterTheDeadlineEvenWhenNothingCanBeRead) {
  base::Executor none(1, 0);
  hub_ = std::make_unique<Hub>(Options(), &store_, &clock_, &none);
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a", v1::Proposal::PENDING, seconds(1));
  Advance(seconds(1));
  hub_->Tick();
  EXPECT_EQ(answers_.count(), 0u);
  Advance(seconds(10));
  hub_->Tick();
  EXPECT_THAT(answers_.Of(1), HasReason(v1::OVERLOADED));
  hub_.reset();
}

TEST_F(HubTest, CancelAnswersAndLeavesNothingRegistered) {
  Put("a", v1::Proposal::PENDING);
  const Hub::WaiterId id = Wait(1, "a");
  Wait(2, "a");
  Settle();
  hub_->Cancel(id);
  hub_->Cancel(id);
  EXPECT_THAT(answers_.Of(1), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(hub_->waiting(), 1u);
  hub_->OnChanged(Put("a", v1::Proposal::APPROVED));
  EXPECT_EQ(StateTold(2), v1::Proposal::APPROVED);
  EXPECT_EQ(hub_->waiting(), 0u);
}

TEST_F(HubTest, ShutdownSendsEverybodyToAnotherBroker) {
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Wait(2, "a");
  hub_->Shutdown();
  Wait(3, "a");
  for (int waiter = 1; waiter <= 3; ++waiter) {
    EXPECT_THAT(answers_.Of(waiter), HasReason(v1::OVERLOADED));
    EXPECT_TRUE(error::RetryDelayOf(answers_.Of(waiter).status()).has_value());
  }
}

TEST_F(HubTest, RefusesMoreWaitersThanItMayHold) {
  Hub::Options options = Options();
  options.max_waiters = 1;
  hub_ = NewHub(options);
  Put("a", v1::Proposal::PENDING);
  Wait(1, "a");
  Wait(2, "a");
  EXPECT_THAT(answers_.Of(2), HasReason(v1::OVERLOADED));
  EXPECT_EQ(hub_->waiting(), 1u);
}

TEST_F(HubTest, WakesEveryWaiterOfOneProposal) {
  Put("a", v1::Proposal::PENDING);
  for (int i = 0; i < 500; ++i) Wait(i, "a");
  Settle();
  hub_->OnChanged(Put("a", v1::Proposal::APPROVED));
  Settle();
  EXPECT_EQ(answers_.count(), 500u);
}

TEST_F(HubTest, WakesOnlyThoseWhoseStateWasLeft) {
  Put("a", v1::Proposal::PENDING);
  const storage::Record approved = Put("a", v1::Proposal::APPROVED);
  Wait(1, "a", v1::Proposal::APPROVED);
  Settle();
  EXPECT_EQ(answers_.count(), 0u);
  Put("a", v1::Proposal::EXECUTING);
  Wait(2, "a", v1::Proposal::EXECUTING);
  hub_->OnNotified({"a"}, /*catch_up=*/false);
  Settle();
  EXPECT_EQ(StateTold(1), v1::Proposal::EXECUTING);
  EXPECT_EQ(answers_.count(), 1u);
}

TEST_F(HubTest, IgnoresNewsThatWasOvertaken) {
  const storage::Record pending = Put("a", v1::Proposal::PENDING);
  Put("a", v1::Proposal::APPROVED);
  Wait(1, "a", v1::Proposal::APPROVED);
  Settle();
  hub_->OnChanged(pending);
  EXPECT_EQ(answers_.count(), 0u);
}

TEST_F(HubTest, PollsTenThousandWaitersInAFewReadsAndLittleMemory) {
  constexpr int kWaiters = 10000;
  for (int i = 0; i < kWaiters; ++i) Put(IdOf(i), v1::Proposal::PENDING);
  const auto told = std::make_shared<std::atomic<int>>(0);
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < kWaiters; ++i) {
    hub_->Wait(
        IdOf(i), v1::Proposal::PENDING, Now() + seconds(60), [](const v1::Proposal&) { return true; },
        [told](absl::StatusOr<v1::Proposal>) { ++*told; });
  }
  Settle();
  Settle();
  EXPECT_EQ(hub_->waiting(), static_cast<size_t>(kWaiters));
  // Sanitizers keep their own heap, of which this knows nothing.
  EXPECT_LT(static_cast<double>(mallinfo2().uordblks - before) / kWaiters, 1024.0);
  const size_t reads = store_.reads();
  Advance(seconds(1));
  hub_->Tick();
  Settle();
  EXPECT_EQ(store_.reads() - reads, 5u);
  hub_->Shutdown();
  Settle();
  EXPECT_EQ(*told, kWaiters);
}

TEST_F(HubTest, TheTimerThreadKeepsADeadlineThatComesBeforeTheNextPoll) {
  Hub::Options options;
  options.poll_interval = std::chrono::minutes(10);
  hub_ = NewHub(options);
  hub_->Start();
  Put("a", v1::Proposal::PENDING);
  for (int i = 0; i < 2; ++i) {
    hub_->Wait(
        "a", v1::Proposal::PENDING, std::chrono::steady_clock::now() + milliseconds(20),
        [](const v1::Proposal&) { return true; }, answers_.For(i));
    ASSERT_TRUE(answers_.AwaitCount(i + 1));
  }
  hub_.reset();
}

// The timer thread, changes, notifications and cancellations at the same time: everybody is told exactly
// once.
TEST_F(HubTest, TellsEachWaiterExactlyOnceHoweverThreadsRace) {
  constexpr int kWaiters = 400;
  base::Executor executor(3, 1000);
  Hub::Options options;
  options.poll_interval = milliseconds(1);
  auto hub = std::make_unique<Hub>(options, &store_, &clock_, &executor);
  hub->Start();
  for (int i = 0; i < kWaiters / 2; ++i) Put(IdOf(i), v1::Proposal::PENDING);
  std::vector<Hub::WaiterId> ids(kWaiters);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int i = 0; i < kWaiters; ++i) {
      ids[i] = hub->Wait(
          IdOf(i / 2), v1::Proposal::PENDING,
          std::chrono::steady_clock::now() + milliseconds(i % 3 == 0 ? 1 : 60000),
          [](const v1::Proposal&) { return true; }, answers_.For(i));
      if (i % 5 == 0) hub->Cancel(ids[i]);
    }
  });
  threads.emplace_back([&] {
    for (int i = 0; i < kWaiters / 2; i += 2) hub->OnChanged(Put(IdOf(i), v1::Proposal::APPROVED));
  });
  threads.emplace_back([&] {
    for (int i = 1; i < kWaiters / 2; i += 2) {
      Put(IdOf(i), v1::Proposal::DENIED);
      hub->OnNotified({IdOf(i)}, i % 16 == 1);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(answers_.AwaitCount(kWaiters));
  EXPECT_EQ(hub->waiting(), 0u);
  hub.reset();
}

}  // namespace
}  // namespace countersign::watch
