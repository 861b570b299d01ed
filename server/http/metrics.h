#ifndef COUNTERSIGN_SERVER_HTTP_METRICS_H_
#define COUNTERSIGN_SERVER_HTTP_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "countersign/v1/resource.pb.h"

namespace countersign::http {

// What is read at the moment of a scrape rather than counted as it happens.
struct Readings {
  size_t waiters = 0;
  size_t watchers = 0;
  size_t pool_size = 0;
  size_t pool_in_use = 0;
  size_t pool_idle = 0;
  size_t pool_waiting = 0;
  uint64_t pool_connected = 0;
  uint64_t pool_connect_failures = 0;
  size_t queued_work = 0;
};

// The broker's numbers, as Prometheus wants them. Labels hold method names, reasons and states: nothing that
// a caller chooses, so their number is bounded. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // One finished call. `method` is the RPC's bare name, `reason` "OK" or one of a small set of words.
  void OnRequest(std::string_view method, std::string_view reason, absl::Duration duration);
  // One transition that this broker committed; `before` is STATE_UNSPECIFIED for a new proposal.
  void OnChanged(v1::Proposal::State before, const v1::Proposal& after);
  // All states that are not terminal; those not named are zero.
  void SetOpenProposals(const std::vector<std::pair<v1::Proposal::State, int64_t>>& counts);

  // The exposition in Prometheus' text format.
  std::string Text(const Readings& readings);

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace countersign::http

#endif  // COUNTERSIGN_SERVER_HTTP_METRICS_H_
