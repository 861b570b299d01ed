// What every implementation of the storage port is held to, and the changes that the tests commit.
#ifndef COUNTERSIGN_TESTS_CONTRACT_STORE_CONTRACT_H_
#define COUNTERSIGN_TESTS_CONTRACT_STORE_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/storage/store.h"

namespace countersign::storage {

inline constexpr absl::Time kForever = absl::InfiniteFuture();
// When the tests' first proposal is made.
inline const absl::Time kStart = absl::FromUnixMicros(1'790'000'000'123'456);

// A store with nothing in it, and whatever keeps it alive.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
};

// An implementation: its name, and how to get an empty one.
struct Implementation {
  const char* name;
  std::unique_ptr<StoreUnderTest> (*make)();
};
void PrintTo(const Implementation& implementation, std::ostream* out);

std::unique_ptr<StoreUnderTest> NewFakeStore();
std::unique_ptr<StoreUnderTest> NewPostgresStore();

// A proposal that is PENDING, with something in most fields. It expires an hour after `create_time`.
v1::Proposal NewProposal(std::string_view id, std::string_view target = "targets/a",
                         absl::Time create_time = kStart);
std::string IdOf(const v1::Proposal& proposal);
std::vector<std::string> IdsOf(const std::vector<Record>& records);

// The change that stores a new proposal, with its audit event.
Change Insertion(v1::Proposal proposal);
// The change that takes a stored proposal to `state`, one second later.
Change Transition(const Record& record, v1::Proposal::State state);
// Transition() to APPROVED by the decision of `person`.
Change Approval(const Record& record, std::string_view person = "alice");
// Gives out a token, in APPROVED, that lives for two minutes.
Change Issue(const Record& record, std::string_view token_id);
// Spends it: to EXECUTING, with a lease of one minute.
Change Redemption(const Record& record, std::string_view token_id);
RequestRecord Request(std::string_view request_id,
                      std::string_view principal = "spiffe://example.org/agent/bot");

class StoreContract : public ::testing::TestWithParam<Implementation> {
 protected:
  StoreContract() : under_test_(GetParam().make()) {}

  Store& store() { return under_test_->store(); }
  // Commits, expects it to be committed, and returns what is stored then.
  Record Committed(const Change& change);
  Record Stored(std::string_view id, std::string_view target = "targets/a", absl::Time create_time = kStart) {
    return Committed(Insertion(NewProposal(id, target, create_time)));
  }
  // An approved proposal with a token.
  Record Claimed(std::string_view id, std::string_view token_id, std::string_view target = "targets/a");
  Record Executing(std::string_view id, std::string_view target = "targets/a");
  Record Now(std::string_view id);
  // The outcome; fails the test, and answers kCommitted, on an error.
  CommitOutcome Outcome(const Change& change);
  // Expects that `attempt`, which must not change anything, leaves proposals, tokens, decisions, requests and
  // the audit trail as they were, as far as the port shows them.
  void ExpectNothingWritten(const std::function<void()>& attempt);
  std::vector<v1::AuditEvent> Events(std::string_view id = "");

 private:
  std::string Everything();

  const std::unique_ptr<StoreUnderTest> under_test_;
};

// Runs `work` on that many threads, which all start at the same moment.
void AtOnce(int threads, const std::function<void(int)>& work);

}  // namespace countersign::storage

#endif  // COUNTERSIGN_TESTS_CONTRACT_STORE_CONTRACT_H_
