// Invariant I8 and acceptance 7: brokers and databases are killed, again and again, under people who submit,
// decide, claim, redeem and report. Afterwards nothing that was acknowledged is missing, no token exists
// without its approval, none was redeemed twice, and nothing is stuck.
//
// COUNTERSIGN_CHAOS_SECONDS says how long each goes on (60), COUNTERSIGN_CHAOS_SEED repeats a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include "core/text/text.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "tests/chaos/load.h"
#include "tests/support/audit_invariants.h"
#include "tests/support/broker_process.h"
#include "tests/support/connect_as.h"
#include "tests/support/migrated_database.h"
#include "tests/support/status_matchers.h"

namespace countersign::chaos {
namespace {

using testing::BrokerProcess;
using testing::BrokerSite;
using ::testing::IsEmpty;
using testing::MigratedDatabase;
using testing::PostgresCluster;

constexpr int kPeople = 8;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : std::strtoull(value, nullptr, 10);
}

class ChaosTest : public ::testing::Test {
 protected:
  ChaosTest() : seed_(FromEnvironment("COUNTERSIGN_CHAOS_SEED", RandomSeed())), random_(seed_) {
    std::cout << "COUNTERSIGN_CHAOS_SEED=" << seed_ << std::endl;
    for (int i = 0; i < 2; ++i) {
      brokers_.push_back(std::make_unique<BrokerProcess>(
          site_, testing::BrokerProcessOptions{.database_dsn = database_.BrokerDsn()}));
    }
    for (int i = 0; i < kPeople; ++i) {
      lives_.push_back(std::make_unique<Life>(
          i, seed_,
          Life::Clients{
              .agent = As("agent", "bot"), .human = As("human", "bob"), .job = As("workload", "ci")}));
    }
  }

  static uint64_t RandomSeed() {
    base::SystemRandom random;
    return static_cast<uint64_t>(base::UniformFraction(random) * 1e9);
  }

  std::unique_ptr<Client> As(std::string_view kind, std::string_view name) {
    return testing::ConnectAs(site_, kind, name, {brokers_[0].get(), brokers_[1].get()});
  }

  // Something between the two.
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return least + (most - least) * std::uniform_real_distribution<double>(0, 1)(random_);
  }

  // Lives go on while `strike` happens after every pause, then everything is judged.
  void Survive(absl::Duration least_pause, absl::Duration most_pause, const std::function<void()>& strike) {
    const base::SystemClock clock;
    const absl::Time end =
        clock.Now() + absl::Seconds(static_cast<int64_t>(FromEnvironment("COUNTERSIGN_CHAOS_SECONDS", 60)));
    std::vector<std::thread> people;
    for (const auto& life : lives_) {
      people.emplace_back([&clock, end, life = life.get()] {
        while (clock.Now() < end && life->failures().empty()) life->Live();
      });
    }
    int strikes = 0;
    while (clock.Now() < end) {
      Pause(Between(least_pause, most_pause));
      strike();
      ++strikes;
    }
    for (std::thread& person : people) person.join();
    for (const auto& broker : brokers_)
      EXPECT_TRUE(broker->WaitUntilReady(absl::Seconds(60))) << broker->Log();
    int lived = 0;
    for (const auto& life : lives_) {
      lived += life->lives();
      EXPECT_THAT(life->failures(), IsEmpty());
    }
    std::cout << lived << " lives through " << strikes << " strikes" << std::endl;
    EXPECT_GT(lived, kPeople);
    ExpectNothingAcknowledgedIsMissing();
    EXPECT_THAT(ViolatedInvariants(database_), IsEmpty());
    ExpectNothingIsStuck();
    EXPECT_THAT(ViolatedInvariants(database_), IsEmpty());
  }

  static void Pause(absl::Duration duration) {
    base::Mutex mutex;
    base::CondVar never;
    base::MutexLock lock(&mutex);
    const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(duration);
    while (never.WaitUntil(&mutex, until)) {
    }
  }

  void ExpectNothingAcknowledgedIsMissing() {
    auto connection = database_.Connect();
    const auto events =
        connection.Query("SELECT request_id, type, proposal_id FROM audit_events WHERE proposal_id <> ''", {},
                         absl::InfiniteFuture());
    ASSERT_OK(events);
    std::multimap<std::string, std::string> written;
    for (int row = 0; row < events->rows(); ++row) {
      written.emplace(events->Text(row, 0),
                      text::Concat(events->Text(row, 1), " proposals/", events->Text(row, 2)));
    }
    size_t checked = 0;
    for (const auto& life : lives_) {
      for (const Acknowledged& write : life->acknowledged()) {
        ++checked;
        const auto found = written.equal_range(write.request_id);
        ASSERT_EQ(std::distance(found.first, found.second), 1)
            << write.event_type << " " << write.answer.name();
        EXPECT_EQ(found.first->second, text::Concat(write.event_type, " ", write.answer.name()));
      }
    }
    std::cout << checked << " acknowledged writes are there" << std::endl;
    // Also those that were never acknowledged were not done twice.
    for (auto event = written.begin(); event != written.end(); event = written.upper_bound(event->first)) {
      if (!event->first.empty()) {
        EXPECT_EQ(written.count(event->first), 1u) << event->first;
      }
    }
    ExpectLastAnswersHold();
  }

  // What each proposal's last acknowledged answer said is still so; what came after it, nobody was told.
  void ExpectLastAnswersHold() {
    const auto auditor = As("auditor", "eve");
    for (const auto& life : lives_) {
      std::map<std::string, v1::Proposal> last;
      for (const Acknowledged& write : life->acknowledged()) last[write.answer.name()] = write.answer;
      for (const auto& [name, told] : last) {
        const auto now = auditor->GetProposal(name);
        ASSERT_OK(now);
        EXPECT_GE(std::stoll(now->etag()), std::stoll(told.etag())) << name;
        EXPECT_EQ(now->action_digest(), told.action_digest());
        EXPECT_GE(now->decisions_size(), told.decisions_size()) << name;
        if (told.has_execution()) {
          EXPECT_EQ(now->execution().id(), told.execution().id()) << name;
        }
        if (told.state() >= v1::Proposal::SUCCEEDED) {
          EXPECT_EQ(now->state(), told.state()) << name;
        }
      }
    }
  }

  void ExpectNothingIsStuck() {
    const auto auditor = As("auditor", "eve");
    v1::ListProposalsRequest request;
    for (const auto state :
         {v1::Proposal::EXECUTING, v1::Proposal::AMBIGUOUS, v1::Proposal::APPROVED, v1::Proposal::PENDING}) {
      // One state after the other: what runs on a target keeps others from running there.
      request.clear_states();
      request.add_states(state);
      const auto open = ListAllProposals(*auditor, request, 0);
      ASSERT_OK(open);
      for (const v1::Proposal& proposal : *open) {
        for (int i = 0; i < kPeople; ++i) {
          if (proposal.action().target() == Life::TargetOf(i)) {
            EXPECT_OK(lives_[i]->Finish(proposal));
          }
        }
      }
    }
    EXPECT_EQ(database_.Int64("SELECT count(*) FROM proposals WHERE state IN (1, 2, 3, 4)"), 0);
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  PostgresCluster cluster_;
  MigratedDatabase database_{cluster_};
  BrokerSite site_{COUNTERSIGN_BIN_DIRECTORY "/countersignd", Life::Documents(kPeople)};
  std::vector<std::unique_ptr<BrokerProcess>> brokers_;
  std::vector<std::unique_ptr<Life>> lives_;
};

TEST_F(ChaosTest, SurvivesThatBrokersAreKilled) {
  Survive(absl::Seconds(1), absl::Seconds(3), [this] {
    BrokerProcess& victim = *brokers_[random_() % brokers_.size()];
    victim.Kill();
    Pause(Between(absl::ZeroDuration(), absl::Seconds(1)));
    victim.Start();
  });
}

TEST_F(ChaosTest, SurvivesThatPostgresIsRestartedAndKilled) {
  Survive(absl::Seconds(3), absl::Seconds(6), [this] {
    if (random_() % 2 == 0) {
      cluster_.Kill9();
    } else {
      cluster_.Stop();
    }
    Pause(Between(absl::ZeroDuration(), absl::Seconds(1)));
    cluster_.Start();
  });
}

}  // namespace
}  // namespace countersign::chaos
