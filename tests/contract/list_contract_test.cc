// Every way to read many proposals, against a model in memory over random data.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "server/base/timestamps.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

using Strings = std::vector<std::string>;
using State = v1::Proposal::State;

// A store with random proposals in every state, and the same proposals by id.
class ListContract : public StoreContract {
 protected:
  ListContract() : random_(static_cast<uint32_t>(GTEST_FLAG_GET(random_seed))) {}

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  // Few distinct times, so that ids decide often. Ids are as the broker's: [a-z2-7].
  void Populate(int count) {
    constexpr std::string_view kAlphabet = "ab27";
    std::set<std::string> held;
    while (static_cast<int>(model_.size()) < count) {
      std::string id;
      for (int i = 0; i < 6; ++i) id += kAlphabet[Pick(4)];
      if (model_.contains(id)) continue;
      const std::string target = "targets/" + std::string(1, static_cast<char>('a' + Pick(4)));
      v1::Proposal proposal = NewProposal(id, target, kStart + absl::Microseconds(Pick(12)));
      proposal.set_requester("spiffe://example.org/agent/" + std::to_string(Pick(3)));
      const State state = static_cast<State>(1 + Pick(11));
      const bool holds = state == v1::Proposal::EXECUTING || state == v1::Proposal::AMBIGUOUS;
      if (holds && !held.insert(target).second) continue;
      SetDue(kStart + absl::Seconds(Pick(9)), &proposal);
      Change change = Transition(Committed(Insertion(proposal)), state);
      *change.proposal.mutable_update_time() = base::ToTimestamp(kStart + absl::Seconds(Pick(9)));
      model_[id] = Committed(change).proposal;
    }
  }
  static void SetDue(absl::Time due, v1::Proposal* proposal) {
    *proposal->mutable_expire_time() = base::ToTimestamp(due);
    *proposal->mutable_approval_expire_time() = base::ToTimestamp(due);
    *proposal->mutable_execution()->mutable_lease_expire_time() = base::ToTimestamp(due);
  }

  template <typename Matches, typename Key>
  Strings Expected(Matches matches, Key key) {
    std::vector<std::pair<decltype(key(v1::Proposal())), std::string>> found;
    for (const auto& [id, proposal] : model_) {
      if (matches(proposal)) found.emplace_back(key(proposal), id);
    }
    std::sort(found.begin(), found.end());
    Strings ids;
    for (const auto& [place, id] : found) ids.push_back(id);
    return ids;
  }

  // All of it, in pages of `limit`.
  Strings Paged(const ListFilter& filter, int limit) {
    Strings ids;
    std::optional<ListCursor> after;
    for (;;) {
      const auto page = store().List(filter, after, limit, kForever);
      EXPECT_OK(page);
      if (!page.ok() || page->empty()) return ids;
      EXPECT_LE(page->size(), static_cast<size_t>(limit));
      for (const Record& record : *page) {
        const std::string id = IdOf(record.proposal);
        EXPECT_EQ(record.proposal.DebugString(), model_[id].DebugString());
        ids.push_back(id);
      }
      if (ids.size() > model_.size()) return ids;  // Something came twice; the caller sees it.
      if (page->size() < static_cast<size_t>(limit)) return ids;
      after = ListCursor{base::ToTime(page->back().proposal.create_time()), ids.back()};
    }
  }

  std::mt19937 random_;
  std::map<std::string, v1::Proposal> model_;
};
INSTANTIATE_TEST_SUITE_P(Fake, ListContract, ::testing::Values(Implementation{"fake", NewFakeStore}));
INSTANTIATE_TEST_SUITE_P(Postgres, ListContract,
                         ::testing::Values(Implementation{"postgres", NewPostgresStore}));

template <typename T>
bool Among(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool Matches(const ListFilter& filter, const v1::Proposal& proposal) {
  const std::string& target = proposal.action().target();
  return (filter.states.empty() || Among(filter.states, proposal.state())) &&
         (filter.target.empty() || filter.target == target) &&
         (filter.requester.empty() || filter.requester == proposal.requester()) &&
         IdOf(proposal).starts_with(filter.id_prefix) &&
         (!filter.visible_targets.has_value() || Among(*filter.visible_targets, target));
}

std::string Describe(const ListFilter& filter, int limit) {
  std::string text = "limit " + std::to_string(limit) + " target '" + filter.target + "' requester '" +
                     filter.requester + "' prefix '" + filter.id_prefix + "' states";
  for (const State state : filter.states) text += " " + v1::Proposal::State_Name(state);
  if (!filter.visible_targets.has_value()) return text + ", sees all";
  text += ", sees";
  for (const std::string& target : *filter.visible_targets) text += " " + target;
  return text;
}

TEST_P(ListContract, EveryCombinationOfFiltersIsWhatTheModelSays) {
  Populate(70);
  const std::string some_id = model_.begin()->first;
  const std::vector<std::vector<State>> states = {
      {},
      {v1::Proposal::PENDING},
      {v1::Proposal::PENDING, v1::Proposal::APPROVED, v1::Proposal::EXECUTING, v1::Proposal::AMBIGUOUS},
      {v1::Proposal::SUCCEEDED, v1::Proposal::FAILED},
      {v1::Proposal::REVOKED, v1::Proposal::PENDING}};
  const Strings targets = {"", "targets/a", "targets/nothing"};
  const Strings requesters = {"", "spiffe://example.org/agent/1"};
  const Strings prefixes = {"", "a", "2b", some_id, "zz"};
  const std::vector<std::optional<Strings>> visible = {std::nullopt, Strings{}, Strings{"targets/b"},
                                                       Strings{"targets/a", "targets/c", "targets/nothing"}};
  for (const auto& state : states) {
    for (const auto& target : targets) {
      for (const auto& requester : requesters) {
        for (const auto& prefix : prefixes) {
          for (const auto& sees : visible) {
            const ListFilter filter{state, target, requester, prefix, sees};
            const int limit = 1 + Pick(30);
            SCOPED_TRACE(Describe(filter, limit));
            Strings expected =
                Expected([&](const v1::Proposal& proposal) { return Matches(filter, proposal); },
                         [](const v1::Proposal& proposal) { return base::ToTime(proposal.create_time()); });
            std::reverse(expected.begin(), expected.end());
            ASSERT_EQ(Paged(filter, limit), expected);
          }
        }
      }
    }
  }
}

TEST_P(ListContract, CursorNeedNotBeOfAProposalThatExists) {
  Stored("a", "targets/a", kStart);
  Stored("c", "targets/a", kStart);
  const auto page = store().List({}, ListCursor{kStart, "b"}, 10, kForever);
  ASSERT_OK(page);
  EXPECT_THAT(IdsOf(*page), ElementsAre("a"));
}

TEST_P(ListContract, GetsManyAndLeavesOutWhatIsNotThere) {
  Stored("a");
  Stored("b");
  Stored("c");
  const auto records = store().GetMany({"c", "nothing", "a"}, kForever);
  ASSERT_OK(records);
  EXPECT_THAT(IdsOf(*records), UnorderedElementsAre("a", "c"));
  EXPECT_TRUE(store().GetMany({}, kForever)->empty());
}

TEST_P(ListContract, TellsWhichOfTheWatchedHaveMoved) {
  Populate(60);
  std::vector<Watched> watched = {{"nothing", v1::Proposal::PENDING}};
  Strings expected;
  for (const auto& [id, proposal] : model_) {
    if (Pick(3) == 0) continue;
    const State state = static_cast<State>(1 + Pick(3));
    watched.push_back({id, state});
    if (proposal.state() != state) expected.push_back(id);
  }
  const auto moved = store().ListMoved(watched, kForever);
  ASSERT_OK(moved);
  EXPECT_THAT(IdsOf(*moved), ::testing::UnorderedElementsAreArray(expected));
  EXPECT_TRUE(store().ListMoved({}, kForever)->empty());
}

TEST_P(ListContract, ReadsWhatWasUpdatedInPagesOldestFirst) {
  Populate(60);
  const auto update_time = [](const v1::Proposal& proposal) { return base::ToTime(proposal.update_time()); };
  const Strings expected = Expected([](const v1::Proposal&) { return true; }, update_time);
  for (const int limit : {1, 7, 100}) {
    SCOPED_TRACE(limit);
    Strings ids;
    absl::Time time = absl::InfinitePast();
    std::string id;
    for (;;) {
      const auto page = store().ListUpdated(time, id, limit, kForever);
      ASSERT_OK(page);
      if (page->empty()) break;
      for (const Record& record : *page) ids.push_back(IdOf(record.proposal));
      time = update_time(page->back().proposal);
      id = ids.back();
    }
    EXPECT_EQ(ids, expected);
  }
}

TEST_P(ListContract, FindsWhatIsDueOldestFirst) {
  Populate(60);
  const auto due_time = [](const v1::Proposal& proposal) { return base::ToTime(proposal.expire_time()); };
  for (int seconds = -1; seconds < 10; ++seconds) {
    SCOPED_TRACE(seconds);
    const absl::Time now = kStart + absl::Seconds(seconds);
    const Strings expected = Expected(
        [&](const v1::Proposal& proposal) {
          return proposal.state() <= v1::Proposal::EXECUTING && due_time(proposal) <= now;
        },
        due_time);
    const auto due = store().ListDue(now, 100, kForever);
    ASSERT_OK(due);
    EXPECT_THAT(IdsOf(*due), ::testing::UnorderedElementsAreArray(expected));
    EXPECT_TRUE(std::is_sorted(due->begin(), due->end(), [&](const Record& a, const Record& b) {
      return due_time(a.proposal) < due_time(b.proposal);
    }));
    EXPECT_EQ(store().ListDue(now, 3, kForever)->size(), std::min<size_t>(3, expected.size()));
  }
}

TEST_P(ListContract, ARenewedLeaseIsDueLater) {
  const Record executing = Executing("one");
  const absl::Time due = base::ToTime(executing.proposal.execution().lease_expire_time());
  EXPECT_THAT(IdsOf(*store().ListDue(due, 10, kForever)), ElementsAre("one"));
  ASSERT_OK(store().RenewLease("one", executing.proposal.execution().id(), due + absl::Minutes(1), kForever));
  EXPECT_TRUE(store().ListDue(due, 10, kForever)->empty());
  EXPECT_THAT(IdsOf(*store().ListDue(due + absl::Minutes(1), 10, kForever)), ElementsAre("one"));
}

TEST_P(ListContract, CountsWhatIsOpen) {
  Populate(60);
  std::map<State, int64_t> expected;
  for (const auto& [id, proposal] : model_) {
    if (proposal.state() <= v1::Proposal::AMBIGUOUS) ++expected[proposal.state()];
  }
  const auto counts = store().CountOpen(kForever);
  ASSERT_OK(counts);
  EXPECT_THAT(*counts, ::testing::UnorderedElementsAreArray(expected.begin(), expected.end()));
}

}  // namespace
}  // namespace countersign::storage
