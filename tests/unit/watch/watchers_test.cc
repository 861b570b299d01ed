#include "server/watch/watchers.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/watch/watch_fixture.h"

namespace countersign::watch {
namespace {

using ::countersign::testing::HasReason;
using ::countersign::testing::IsOk;
using ::countersign::testing::NamesField;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::string Name(const Event& event) {
  if (event.record == nullptr) return "alive";
  return event.record->proposal.name().substr(std::string("proposals/").size()) + ":" +
         v1::Proposal::State_Name(event.record->proposal.state());
}

// A reader that reads when told to.
class Reader final : public Sink {
 public:
  void Write(const Event& event) override {
    base::MutexLock lock(&mutex_);
    EXPECT_FALSE(writing_) << "two writes in flight";
    EXPECT_FALSE(end_.has_value()) << "a write after the end";
    writing_ = true;
    events_.push_back(event);
  }
  void Finish(absl::Status status) override {
    base::MutexLock lock(&mutex_);
    EXPECT_FALSE(end_.has_value()) << "finished twice";
    end_ = std::move(status);
  }
  // True when there was a write to acknowledge.
  bool Read(Session* session) {
    {
      base::MutexLock lock(&mutex_);
      if (!std::exchange(writing_, false)) return false;
    }
    session->OnWritten(true);
    return true;
  }
  std::vector<Event> events() {
    base::MutexLock lock(&mutex_);
    return events_;
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const Event& event : events()) names.push_back(Name(event));
    return names;
  }
  std::string last_token() { return events().back().resume_token; }
  std::optional<absl::Status> end() {
    base::MutexLock lock(&mutex_);
    return end_;
  }

 private:
  base::Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

class WatchersTest : public WatchFixture {
 protected:
  struct Stream {
    Reader reader;
    std::shared_ptr<Session> session;
    ~Stream() {
      if (session != nullptr) session->Detach();
    }
  };

  Watchers::Options Options() {
    Watchers::Options options;
    options.token_key = std::string(32, 'k');
    options.steady_now = [this] { return Now(); };
    return options;
  }
  void Use(Watchers::Options options) {
    watchers_ = std::make_unique<Watchers>(std::move(options), &store_, &clock_, &executor_);
  }
  absl::StatusOr<std::unique_ptr<Stream>> Open(const std::string& token = "",
                                               const std::string& target = "") {
    auto stream = std::make_unique<Stream>();
    auto session = watchers_->Watch(
        token, target, [this](const v1::Proposal& proposal) { return proposal.name() != invisible_; },
        [this] { return permitted_; }, &stream->reader);
    if (!session.ok()) return session.status();
    stream->session = *std::move(session);
    return stream;
  }
  std::unique_ptr<Stream> MustOpen(const std::string& token = "", const std::string& target = "") {
    auto stream = Open(token, target);
    EXPECT_THAT(stream, IsOk());
    return stream.ok() ? *std::move(stream) : std::make_unique<Stream>();
  }
  // Reads until nothing comes any more.
  void ReadAll(Stream* stream) {
    do {
      Settle();
    } while (stream->reader.Read(stream->session.get()));
  }
  void Poll(milliseconds after = seconds(1)) {
    Advance(after);
    watchers_->Tick();
    Settle();
  }

  std::string invisible_;
  absl::Status permitted_;
  std::unique_ptr<Watchers> watchers_ = std::make_unique<Watchers>(Options(), &store_, &clock_, &executor_);
};

TEST_F(WatchersTest, StartsWithWhatIsPendingNow) {
  Put("a", v1::Proposal::PENDING);
  Put("b", v1::Proposal::PENDING);
  Put("b", v1::Proposal::DENIED);
  Advance(seconds(60));
  const auto stream = MustOpen();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, SendsAChangeOfThisBrokerAtOnceAndOnce) {
  Put("a", v1::Proposal::PENDING);
  const auto stream = MustOpen();
  ReadAll(stream.get());
  watchers_->OnChanged(Put("a", v1::Proposal::APPROVED));
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING", "a:APPROVED"));
  ReadAll(stream.get());
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), SizeIs(2));
}

TEST_F(WatchersTest, SendsWhatAnotherBrokerAnnounces) {
  Put("a", v1::Proposal::PENDING);
  const auto stream = MustOpen();
  ReadAll(stream.get());
  Put("a", v1::Proposal::DENIED);
  watchers_->OnNotified({"a"}, /*catch_up=*/false);
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING", "a:DENIED"));
}

TEST_F(WatchersTest, FindsWhatNobodyAnnouncedAtTheNextPoll) {
  const auto stream = MustOpen();
  ReadAll(stream.get());
  Put("a", v1::Proposal::PENDING);
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, LeavesOutWhatTheCallerMayNotSeeAndOtherTargets) {
  invisible_ = "proposals/b";
  Put("a", v1::Proposal::PENDING, "targets/one");
  Put("b", v1::Proposal::PENDING, "targets/one");
  Put("c", v1::Proposal::PENDING, "targets/two");
  const auto stream = MustOpen("", "targets/one");
  ReadAll(stream.get());
  watchers_->OnChanged(Put("b", v1::Proposal::DENIED));
  watchers_->OnChanged(Put("c", v1::Proposal::DENIED));
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, ResumesWithWhatChangedMeanwhile) {
  Put("a", v1::Proposal::PENDING);
  Put("old", v1::Proposal::PENDING);
  std::string token;
  {
    const auto stream = MustOpen();
    ReadAll(stream.get());
    Poll(seconds(60));  // What was pending is now older than any slack.
    watchers_->OnChanged(Put("a", v1::Proposal::APPROVED));
    ReadAll(stream.get());
    token = stream->reader.last_token();
  }
  Put("a", v1::Proposal::EXECUTING);
  Put("b", v1::Proposal::PENDING);
  Put("b", v1::Proposal::CANCELLED);
  const auto stream = MustOpen(token);
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), UnorderedElementsAre("a:EXECUTING", "b:CANCELLED"));
}

TEST_F(WatchersTest, SendsACommitThatCameLateButWithinTheSlack) {
  const auto stream = MustOpen();
  ReadAll(stream.get());
  Poll();
  Poll();
  PutAt("late", v1::Proposal::PENDING, clock_.Now() - absl::Seconds(8));
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("late:PENDING"));
}

TEST_F(WatchersTest, SendsACommitThatCameLateForATokenToWhoResumes) {
  Put("a", v1::Proposal::PENDING);
  std::string token;
  {
    const auto stream = MustOpen();
    ReadAll(stream.get());
    Poll(seconds(60));
    watchers_->OnChanged(Put("a", v1::Proposal::APPROVED));
    ReadAll(stream.get());
    token = stream->reader.last_token();
  }
  PutAt("late", v1::Proposal::PENDING, clock_.Now() - absl::Seconds(8));
  const auto stream = MustOpen(token);
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ::testing::Contains("late:PENDING"));
}

TEST_F(WatchersTest, CutsOffAReaderThatIsTooSlow) {
  Watchers::Options options = Options();
  options.max_queued = 10;
  Use(options);
  const auto stream = MustOpen();
  ReadAll(stream.get());
  for (int i = 0; i < 11; ++i) watchers_->OnChanged(Put(IdOf(i), v1::Proposal::PENDING));
  EXPECT_FALSE(stream->reader.end().has_value()) << "one in flight and ten waiting are allowed";
  watchers_->OnChanged(Put(IdOf(11), v1::Proposal::PENDING));
  ASSERT_TRUE(stream->reader.end().has_value());
  EXPECT_THAT(*stream->reader.end(), HasReason(v1::OVERLOADED));
  EXPECT_EQ(watchers_->watching(), 0u);

  const auto resumed = MustOpen(stream->reader.last_token());
  ReadAll(resumed.get());
  EXPECT_THAT(resumed->reader.names(), SizeIs(12)) << "nothing is lost";
}

TEST_F(WatchersTest, NeverCutsOffWhoIsCatchingUp) {
  Watchers::Options options = Options();
  options.max_queued = 10;
  Use(options);
  for (int i = 0; i < 200; ++i) Put(IdOf(i), v1::Proposal::PENDING);
  const auto stream = MustOpen();
  Settle();
  Poll();
  Poll();
  ReadAll(stream.get());
  EXPECT_FALSE(stream->reader.end().has_value());
  std::vector<std::string> names = stream->reader.names();
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  EXPECT_THAT(names, SizeIs(200));
}

TEST_F(WatchersTest, ResumesInTheMiddleOfTheList) {
  Watchers::Options options = Options();
  options.page_size = 7;
  Use(options);
  for (int i = 0; i < 50; ++i) {
    Put(IdOf(i), v1::Proposal::PENDING);
    Advance(seconds(1));
  }
  Advance(seconds(60));
  std::vector<std::string> names;
  std::string token;
  {
    const auto stream = MustOpen();
    for (int i = 0; i < 9; ++i) {
      Settle();
      ASSERT_TRUE(stream->reader.Read(stream->session.get()));
    }
    Settle();
    names = stream->reader.names();
    token = stream->reader.last_token();
  }
  const auto stream = MustOpen(token);
  ReadAll(stream.get());
  const std::vector<std::string> rest = stream->reader.names();
  names.insert(names.end(), rest.begin(), rest.end());
  EXPECT_THAT(names, SizeIs(50));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << "nothing old is sent twice";
}

TEST_F(WatchersTest, LooksAgainBehindAReaderThatCaughtUpSlowly) {
  Watchers::Options options = Options();
  options.page_size = 2;
  options.max_queued = 4;
  Use(options);
  std::string token;
  {
    Put("first", v1::Proposal::PENDING);
    const auto stream = MustOpen();
    ReadAll(stream.get());
    token = stream->reader.last_token();
  }
  for (int i = 0; i < 8; ++i) Put(IdOf(i), v1::Proposal::PENDING);
  const absl::Time then = clock_.Now();
  const auto stream = MustOpen(token);
  Settle();
  // It has the first pages; meanwhile something commits late before them, and it takes a minute to read on.
  PutAt("behind", v1::Proposal::PENDING, then - absl::Seconds(1));
  Advance(seconds(60));
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ::testing::Contains("behind:PENDING"));
}

TEST_F(WatchersTest, GivesASignOfLifeWhoseTokenResumes) {
  std::string token;
  {
    const auto stream = MustOpen();
    ReadAll(stream.get());
    for (int i = 0; i < 19; ++i) Poll();
    EXPECT_THAT(stream->reader.names(), IsEmpty());
    Poll();
    EXPECT_THAT(stream->reader.names(), ElementsAre("alive"));
    ReadAll(stream.get());
    token = stream->reader.last_token();
  }
  Put("a", v1::Proposal::PENDING);
  const auto stream = MustOpen(token);
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, EndsTheStreamOfWhoIsNoLongerPermitted) {
  const auto stream = MustOpen();
  ReadAll(stream.get());
  permitted_ = error::Make(v1::PRINCIPAL_REVOKED, "revoked");
  Poll();
  ASSERT_TRUE(stream->reader.end().has_value());
  EXPECT_THAT(*stream->reader.end(), HasReason(v1::PRINCIPAL_REVOKED));
}

TEST_F(WatchersTest, RefusesTokensThatAreNotItsOwn) {
  Put("a", v1::Proposal::PENDING);
  const auto stream = MustOpen("", "targets/db");
  ReadAll(stream.get());
  const std::string token = stream->reader.last_token();
  EXPECT_THAT(Open(token, "targets/db"), IsOk());
  EXPECT_THAT(Open(token, "targets/other"), NamesField("resume_token"));
  EXPECT_THAT(Open(token), NamesField("resume_token"));
  EXPECT_THAT(Open("nonsense", "targets/db"), NamesField("resume_token"));
  EXPECT_THAT(Open(std::string(4096, 'A'), "targets/db"), NamesField("resume_token"));
  for (size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(Open(altered, "targets/db"), NamesField("resume_token")) << "byte " << i;
  }
}

TEST_F(WatchersTest, HoldsOnlySoManyWatchers) {
  Watchers::Options options = Options();
  options.max_watchers = 1;
  Use(options);
  auto first = MustOpen();
  EXPECT_THAT(Open(), HasReason(v1::OVERLOADED));
  first.reset();
  EXPECT_THAT(Open(), IsOk());
}

TEST_F(WatchersTest, ShutdownEndsAllStreamsAndTakesNoMore) {
  const auto stream = MustOpen();
  watchers_->Shutdown();
  ASSERT_TRUE(stream->reader.end().has_value());
  EXPECT_THAT(*stream->reader.end(), HasReason(v1::OVERLOADED));
  EXPECT_THAT(Open(), HasReason(v1::OVERLOADED));
}

TEST_F(WatchersTest, LosesNothingWhileTheDatabaseIsGone) {
  const auto stream = MustOpen();
  ReadAll(stream.get());
  Put("a", v1::Proposal::PENDING);
  store_.FailWith(error::Make(v1::DATABASE_UNAVAILABLE, "gone"));
  for (int i = 0; i < 15; ++i) Poll();
  EXPECT_THAT(stream->reader.names(), IsEmpty());
  store_.FailWith(absl::OkStatus());
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, StartsOnceTheDatabaseIsBack) {
  Put("a", v1::Proposal::PENDING);
  store_.FailWith(error::Make(v1::DATABASE_UNAVAILABLE, "gone"));
  const auto stream = MustOpen();
  Poll();
  store_.FailWith(absl::OkStatus());
  Poll();
  ReadAll(stream.get());
  EXPECT_THAT(stream->reader.names(), ElementsAre("a:PENDING"));
}

TEST_F(WatchersTest, WritesNothingAfterDetach) {
  auto stream = MustOpen();
  ReadAll(stream.get());
  const std::shared_ptr<Session> session = stream->session;
  stream.reset();
  watchers_->OnChanged(Put("a", v1::Proposal::PENDING));
  session->OnWritten(true);
  EXPECT_EQ(watchers_->watching(), 0u);
}

// Streams open, read, end and go while changes come from everywhere.
TEST_F(WatchersTest, SurvivesThreadsThatRace) {
  base::Executor executor(3, 1000);
  Watchers::Options options = Options();
  options.steady_now = [] { return std::chrono::steady_clock::now(); };
  options.poll_interval = milliseconds(1);
  watchers_ = std::make_unique<Watchers>(options, &store_, &clock_, &executor);
  watchers_->Start();
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto stream = MustOpen();
        for (int i = 0; i < 200; ++i) stream->reader.Read(stream->session.get());
        stream->session->Finish(absl::CancelledError("enough"));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 300; ++i) {
      const storage::Record record = Put(IdOf(i), v1::Proposal::PENDING);
      if (i % 2 == 0) watchers_->OnChanged(record);
      if (i % 3 == 0) watchers_->OnNotified({IdOf(i)}, i % 9 == 0);
    }
    stop = true;
  });
  for (std::thread& thread : threads) thread.join();
  watchers_.reset();
}

}  // namespace
}  // namespace countersign::watch
