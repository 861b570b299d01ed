// Clients that take proposals through their lives while brokers and databases are killed under them, and
// remember what was acknowledged to them.
#ifndef COUNTERSIGN_TESTS_CHAOS_LOAD_H_
#define COUNTERSIGN_TESTS_CHAOS_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "countersign/client.h"

namespace countersign::chaos {

// A write that a broker acknowledged.
struct Acknowledged {
  std::string request_id;
  std::string event_type;  // What it must have left in the audit trail, once.
  v1::Proposal answer;
};

// One agent, human and job with a target of their own. Used by one thread.
class Life {
 public:
  struct Clients {
    std::unique_ptr<Client> agent;
    std::unique_ptr<Client> human;
    std::unique_ptr<Client> job;
  };
  Life(int number, uint64_t seed, Clients clients);

  static std::string TargetOf(int number);
  // The documents that these lives need, for `count` of them.
  static std::string Documents(int count);

  // One proposal from its submission to an end, or to where its people lose interest. Calls are repeated
  // until a broker answers; any answer that is not as it should be goes to failures().
  void Live();

  int lives() const { return lives_; }
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  const std::vector<std::string>& failures() const { return failures_; }
  // Brings a proposal, wherever it was left, to an end. OK if that was possible.
  absl::Status Finish(v1::Proposal proposal);

 private:
  template <typename Request>
  using Method = std::function<absl::StatusOr<v1::Proposal>(const Request&, const CallOptions&)>;

  bool Chance(double share) { return std::uniform_real_distribution<double>(0, 1)(random_) < share; }
  // Calls until an answer comes, always with the same request_id. False if the answer is an error.
  template <typename Request>
  bool Persist(std::string_view event_type, Request request, const Method<Request>& method,
               v1::Proposal* proposal);
  bool Submit(v1::Proposal* proposal);
  bool Decide(bool approve, v1::Proposal* proposal);
  bool Claim(v1::Proposal* proposal, std::string* token);
  bool Redeem(const std::string& token, v1::Proposal* proposal);
  bool Report(int exit_code, v1::Proposal* proposal);
  void ExpectSpent(const std::string& token, const v1::Proposal& proposal);
  void ResolveWhatItsJobLeft(const v1::Proposal& proposal);
  void Fail(std::string_view what, const v1::Proposal& proposal, const absl::Status& status);

  const int number_;
  std::mt19937_64 random_;
  const Clients clients_;
  int lives_ = 0;
  int next_request_ = 0;
  std::vector<Acknowledged> acknowledged_;
  std::vector<std::string> failures_;
};

}  // namespace countersign::chaos

#endif  // COUNTERSIGN_TESTS_CHAOS_LOAD_H_
