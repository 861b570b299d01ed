#include "server/base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace countersign::base {
namespace {

TEST(ExecutorTest, RefusesOverItsBoundInsteadOfQueueingWithoutEnd) {
  std::promise<void> gate;
  std::promise<void> running;
  Executor executor(1, 2);
  ASSERT_TRUE(executor.TrySubmit([&] {
    running.set_value();
    gate.get_future().wait();
  }));
  running.get_future().wait();
  EXPECT_TRUE(executor.TrySubmit([] {}));
  EXPECT_TRUE(executor.TrySubmit([] {}));
  EXPECT_FALSE(executor.TrySubmit([] {}));
  gate.set_value();
}

TEST(ExecutorTest, RunsWhatWasQueuedBeforeItEnds) {
  std::atomic<int> ran = 0;
  Executor executor(2, 1000);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(executor.TrySubmit([&] { ++ran; }));
  executor.Shutdown();
  EXPECT_EQ(ran, 1000);
  EXPECT_FALSE(executor.TrySubmit([] {}));
}

}  // namespace
}  // namespace countersign::base
