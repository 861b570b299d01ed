#include <set>

#include "server/postgres/listener.h"
#include "server/postgres/notifier.h"
#include "tests/integration/postgres_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/tcp_gate.h"

namespace countersign::postgres {
namespace {

using testing::TcpGate;

// What a listener was told.
class Heard {
 public:
  Listener::OnWake on_wake() {
    return [this](const std::vector<std::string>& ids, bool catch_up) {
      base::MutexLock lock(&mutex_);
      ids_.insert(ids.begin(), ids.end());
      if (catch_up) ++catch_ups_;
    };
  }
  bool Has(const std::string& id) {
    base::MutexLock lock(&mutex_);
    return ids_.contains(id);
  }
  size_t size() {
    base::MutexLock lock(&mutex_);
    return ids_.size();
  }
  int catch_ups() {
    base::MutexLock lock(&mutex_);
    return catch_ups_;
  }

 private:
  base::Mutex mutex_;
  std::set<std::string> ids_ ABSL_GUARDED_BY(mutex_);
  int catch_ups_ ABSL_GUARDED_BY(mutex_) = 0;
};

class ListenerTest : public PostgresTest {
 protected:
  ListenerTest() : gate_(cluster_.port()) {}

  ListenerOptions ListenOptions(absl::Duration poll_interval = absl::Hours(1)) {
    ListenerOptions options;
    options.connect = OptionsThrough(gate_.port());
    options.connect.application_name = "listener";
    options.poll_interval = poll_interval;
    return options;
  }
  NotifierOptions NotifyOptions() {
    NotifierOptions options;
    options.connect = Options();
    return options;
  }
  bool Listening() {
    return Eventually([&] {
      return Count(
                 "pg_stat_activity WHERE application_name = 'listener' AND query LIKE 'LISTEN%'"
                 " AND state = 'idle'") == 1;
    });
  }

  TcpGate gate_;
  testing::FakeRandom random_;
  Heard heard_;
};

TEST_F(ListenerTest, HearsWhatTheNotifierSays) {
  Listener listener(ListenOptions(), &random_, heard_.on_wake());
  ASSERT_TRUE(Listening());
  Notifier notifier(NotifyOptions(), &random_);
  notifier.Notify("p1");
  EXPECT_TRUE(Eventually([&] { return heard_.Has("p1"); }));
}

TEST_F(ListenerTest, ManyIdsFitThroughSeveralPayloads) {
  Listener listener(ListenOptions(), &random_, heard_.on_wake());
  ASSERT_TRUE(Listening());
  Notifier notifier(NotifyOptions(), &random_);
  for (int i = 0; i < 3000; ++i) notifier.Notify("proposal-" + std::to_string(i));
  EXPECT_TRUE(Eventually([&] { return heard_.size() == 3000; }));
}

TEST_F(ListenerTest, CatchesUpAfterEveryLossOfTheConnection) {
  Listener listener(ListenOptions(), &random_, heard_.on_wake());
  Notifier notifier(NotifyOptions(), &random_);
  ASSERT_TRUE(Listening());
  ASSERT_TRUE(Eventually([&] { return heard_.catch_ups() == 1; }));
  gate_.CutAll();
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() >= 2; }));
  ASSERT_TRUE(Listening());
  notifier.Notify("after the cut");
  EXPECT_TRUE(Eventually([&] { return heard_.Has("after the cut"); }));
}

TEST_F(ListenerTest, BothSurviveARestartOfTheServer) {
  Listener listener(ListenOptions(), &random_, heard_.on_wake());
  Notifier notifier(NotifyOptions(), &random_);
  ASSERT_TRUE(Listening());
  const int before = heard_.catch_ups();
  cluster_.Restart();
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() > before; }));
  ASSERT_TRUE(Listening());
  int attempt = 0;
  EXPECT_TRUE(Eventually([&] {
    notifier.Notify("attempt " + std::to_string(attempt++));  // The first may be lost with the connection.
    return heard_.size() > 0;
  }));
}

TEST_F(ListenerTest, PollsWhileConnectedAndWhileNot) {
  Listener listener(ListenOptions(absl::Milliseconds(50)), &random_, heard_.on_wake());
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() >= 5; }));
  gate_.Drop();
  int before = heard_.catch_ups();
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() >= before + 5; }));
  gate_.Refuse(true);
  gate_.CutAll();
  before = heard_.catch_ups();
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() >= before + 5; }));
  EXPECT_EQ(heard_.size(), 0u);
}

TEST_F(ListenerTest, StopsAtOnceWhateverItWaitsFor) {
  const auto stop_takes = [&](auto prepare) {
    Listener listener(ListenOptions(), &random_, heard_.on_wake());
    prepare();
    const absl::Time start = base::SystemClock().Now();
    listener.Stop();
    return base::SystemClock().Now() - start;
  };
  EXPECT_LT(stop_takes([&] { EXPECT_TRUE(Listening()); }), absl::Seconds(2));
  gate_.Drop();
  const int before = gate_.counters().accepted;
  EXPECT_LT(stop_takes([&] { EXPECT_TRUE(Eventually([&] { return gate_.counters().accepted > before; })); }),
            absl::Seconds(2));
}

TEST_F(ListenerTest, SuppressedNotifierSaysNothing) {
  Listener listener(ListenOptions(absl::Milliseconds(20)), &random_, heard_.on_wake());
  ASSERT_TRUE(Listening());
  NotifierOptions options = NotifyOptions();
  options.suppressed = true;
  Notifier notifier(options, &random_);
  notifier.Notify("p1");
  const int before = heard_.catch_ups();
  EXPECT_TRUE(Eventually([&] { return heard_.catch_ups() >= before + 3; }));
  EXPECT_FALSE(heard_.Has("p1"));
}

TEST(PayloadTest, PayloadsStayUnderTheLimitAndLoseNothing) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < 500; ++i) ids.push_back(std::string(1 + i * 37 % 1000, 'a'));
  std::vector<std::string> unpacked;
  for (const std::string& payload : PackPayloads(ids)) {
    EXPECT_LT(payload.size(), 8000u);
    for (std::string& id : UnpackPayload(payload)) unpacked.push_back(std::move(id));
  }
  EXPECT_EQ(unpacked, ids);
}

}  // namespace
}  // namespace countersign::postgres
