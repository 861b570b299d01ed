#include "server/http/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace countersign::http {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Histogram;

constexpr v1::Proposal::State kOpenStates[] = {v1::Proposal::PENDING, v1::Proposal::APPROVED,
                                               v1::Proposal::EXECUTING, v1::Proposal::AMBIGUOUS};

const Histogram::BucketBoundaries& RequestBuckets() {
  static const Histogram::BucketBoundaries buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                   0.25,  0.5,    1,     2.5,  5,     10,   60};
  return buckets;
}

// People decide these: from seconds to a day.
const Histogram::BucketBoundaries& DecisionBuckets() {
  static const Histogram::BucketBoundaries buckets{1,   5,    15,   30,    60,    120,  300,
                                                   600, 1800, 3600, 14400, 43200, 86400};
  return buckets;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = BuildCounter()
                                                          .Name("countersign_requests_total")
                                                          .Help("Finished calls by method and reason.")
                                                          .Register(registry);
  prometheus::Family<Histogram>& request_seconds = BuildHistogram()
                                                       .Name("countersign_request_seconds")
                                                       .Help("How long calls took; waits too.")
                                                       .Register(registry);
  prometheus::Family<prometheus::Counter>& transitions =
      BuildCounter()
          .Name("countersign_transitions_total")
          .Help("Transitions that this broker committed, by the state they led to.")
          .Register(registry);
  Histogram& decision_seconds = BuildHistogram()
                                    .Name("countersign_time_to_decision_seconds")
                                    .Help("From submission to approval or denial.")
                                    .Register(registry)
                                    .Add({}, DecisionBuckets());
  prometheus::Family<prometheus::Gauge>& open = BuildGauge()
                                                    .Name("countersign_open_proposals")
                                                    .Help("Proposals that are not finished, by state.")
                                                    .Register(registry);
  prometheus::Gauge& waiters = One("countersign_waiters", "Calls that wait for a proposal to leave a state.");
  prometheus::Gauge& watchers = One("countersign_watchers", "Open watch streams.");
  prometheus::Gauge& pool_size =
      One("countersign_database_connections_max", "The bound of the connection pool.");
  prometheus::Gauge& pool_in_use = One("countersign_database_connections_in_use", "Connections on loan.");
  prometheus::Gauge& pool_idle =
      One("countersign_database_connections_idle", "Connections that nobody uses.");
  prometheus::Gauge& pool_waiting = One("countersign_database_waiting", "Work that waits for a connection.");
  prometheus::Gauge& pool_connected =
      One("countersign_database_connects", "Connections made since the start.");
  prometheus::Gauge& pool_failures =
      One("countersign_database_connect_failures", "Failed attempts since the start.");
  prometheus::Gauge& queued_work = One("countersign_queued_work", "Calls that wait for a worker thread.");

  prometheus::Gauge& One(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) { SetOpenProposals({}); }
Metrics::~Metrics() = default;

void Metrics::OnRequest(std::string_view method, std::string_view reason, absl::Duration duration) {
  const std::string name(method);
  families_->requests.Add({{"method", name}, {"reason", std::string(reason)}}).Increment();
  families_->request_seconds.Add({{"method", name}}, RequestBuckets())
      .Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::OnChanged(v1::Proposal::State before, const v1::Proposal& after) {
  if (before == after.state()) return;  // A decision that did not complete the quorum, or a claim.
  families_->transitions.Add({{"state", v1::Proposal::State_Name(after.state())}}).Increment();
  const bool decided = after.state() == v1::Proposal::APPROVED || after.state() == v1::Proposal::DENIED;
  if (before == v1::Proposal::PENDING && decided) {
    const absl::Duration waited = FromTimestamp(after.update_time()) - FromTimestamp(after.create_time());
    families_->decision_seconds.Observe(absl::ToDoubleSeconds(waited));
  }
}

void Metrics::SetOpenProposals(const std::vector<std::pair<v1::Proposal::State, int64_t>>& counts) {
  const std::map<v1::Proposal::State, int64_t> by_state(counts.begin(), counts.end());
  for (const auto state : kOpenStates) {
    const auto found = by_state.find(state);
    families_->open.Add({{"state", v1::Proposal::State_Name(state)}})
        .Set(found == by_state.end() ? 0.0 : static_cast<double>(found->second));
  }
}

std::string Metrics::Text(const Readings& readings) {
  families_->waiters.Set(static_cast<double>(readings.waiters));
  families_->watchers.Set(static_cast<double>(readings.watchers));
  families_->pool_size.Set(static_cast<double>(readings.pool_size));
  families_->pool_in_use.Set(static_cast<double>(readings.pool_in_use));
  families_->pool_idle.Set(static_cast<double>(readings.pool_idle));
  families_->pool_waiting.Set(static_cast<double>(readings.pool_waiting));
  families_->pool_connected.Set(static_cast<double>(readings.pool_connected));
  families_->pool_failures.Set(static_cast<double>(readings.pool_connect_failures));
  families_->queued_work.Set(static_cast<double>(readings.queued_work));
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace countersign::http
