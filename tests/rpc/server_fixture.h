// A real server over real mutual TLS in this process, on the fake store, and callers of every kind.
#ifndef COUNTERSIGN_TESTS_RPC_SERVER_FIXTURE_H_
#define COUNTERSIGN_TESTS_RPC_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "countersign/v1/audit_service.grpc.pb.h"
#include "countersign/v1/config_service.grpc.pb.h"
#include "countersign/v1/decision_service.grpc.pb.h"
#include "countersign/v1/execution_service.grpc.pb.h"
#include "countersign/v1/proposal_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "server/base/clock.h"
#include "server/base/executor.h"
#include "server/base/random.h"
#include "server/broker/broker.h"
#include "server/rpc/server.h"
#include "server/storage/sealing.h"
#include "server/token/key_ring.h"
#include "server/watch/hub.h"
#include "server/watch/watchers.h"
#include "tests/support/fake_plan_reader.h"
#include "tests/support/fake_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_ca.h"

namespace countersign::rpc {

inline constexpr char kAgent[] = "spiffe://example.org/agent/bot";
inline constexpr char kOtherAgent[] = "spiffe://example.org/agent/other";
inline constexpr char kRevokedAgent[] = "spiffe://example.org/agent/revoked";
inline constexpr char kAlice[] = "spiffe://example.org/human/alice";  // An admin.
inline constexpr char kBob[] = "spiffe://example.org/human/bob";
inline constexpr char kJob[] = "spiffe://example.org/workload/ci";
inline constexpr char kAuditor[] = "spiffe://example.org/auditor/eve";

// What an error carried.
struct ErrorDetails {
  std::vector<google::rpc::ErrorInfo> infos;
  std::vector<google::rpc::RetryInfo> retries;
  std::vector<google::rpc::BadRequest> bad_requests;
};
ErrorDetails DetailsOf(const grpc::Status& status);
// The reason of the one ErrorInfo; "" when there is not exactly one of the domain countersign.
std::string ReasonOf(const grpc::Status& status);
// Waits until it is so; false after 20 seconds.
bool Eventually(const std::function<bool()>& condition);

struct LogLine {
  std::string method, principal, request_id, proposal, reason, detail;
};

class CollectingLog final : public RequestLog, public RequestObserver {
 public:
  void Write(const RequestLine& line) override;
  void OnRequest(std::string_view method, v1::Reason reason, absl::Duration duration) override;

  std::vector<LogLine> lines() const;
  int counted(const std::string& method, v1::Reason reason) const;

 private:
  mutable base::Mutex mutex_;
  std::vector<LogLine> lines_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, v1::Reason>, int> counts_ ABSL_GUARDED_BY(mutex_);
};

// The machine's clock, which a test may set forward. Thread-safe.
class ForwardClock final : public base::Clock {
 public:
  absl::Time Now() const override { return system_.Now() + absl::Seconds(seconds_.load()); }
  void Advance(absl::Duration by) { seconds_ += absl::ToInt64Seconds(by); }

 private:
  base::SystemClock system_;
  std::atomic<int64_t> seconds_ = 0;
};

class ServerFixture : public ::testing::Test, public broker::ChangeObserver {
 protected:
  ServerFixture();
  ~ServerFixture() override;

  // With what `options_`, `watch_options_` and `hub_options_` say at that moment.
  void StartServer();
  // Keeps all threads and the queue of the executor busy until the result is destroyed.
  std::shared_ptr<void> OccupyExecutor();

  // A new connection of this principal.
  std::shared_ptr<grpc::Channel> Connect(const std::string& principal);
  std::shared_ptr<grpc::Channel> ConnectWith(const testing::Certificate& certificate,
                                             const std::string& root_pem);
  // Calls a method by its path, with these bytes as the request; what it answers goes to `answer`.
  grpc::Status CallWithBytes(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                             const std::string& request, std::string* answer);
  // Stubs on the one connection that this principal keeps. Thread-safe.
  std::unique_ptr<v1::ProposalService::Stub> Proposals(const std::string& principal);
  std::unique_ptr<v1::DecisionService::Stub> Decisions(const std::string& principal);
  std::unique_ptr<v1::ExecutionService::Stub> Executions(const std::string& principal);
  std::unique_ptr<v1::ConfigService::Stub> Configs(const std::string& principal);

  static v1::CreateProposalRequest NewProposal();
  // Submits as kAgent.
  v1::Proposal MustCreate();
  grpc::Status Approve(const std::string& principal, const v1::Proposal& proposal, v1::Proposal* approved);
  // Applies a directory in which kJob is revoked.
  void RevokeJob();
  grpc::Status Get(const std::string& principal, const std::string& name, v1::Proposal* proposal);
  grpc::Status Upload(const std::string& principal, const v1::ArtifactHeader& header,
                      const std::vector<std::string>& chunks, v1::Artifact* artifact);

  testing::TestCa ca_;
  testing::TemporaryDirectory directory_;
  ForwardClock clock_;
  base::SystemRandom random_;
  testing::FakeStore store_;
  CollectingLog log_;
  Server::Options options_;
  watch::Hub::Options hub_options_;
  watch::Watchers::Options watch_options_;
  size_t executor_threads_ = 4;
  size_t executor_queue_ = 64;

  std::unique_ptr<token::KeyRing> keys_;
  std::unique_ptr<storage::MasterKeys> master_keys_;
  testing::FakePlanReader plan_reader_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<base::Executor> executor_;
  std::unique_ptr<watch::Hub> hub_;
  std::unique_ptr<watch::Watchers> watchers_;
  std::unique_ptr<Server> server_;

 private:
  void OnChanged(v1::Proposal::State before, const storage::Record& record) override;
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& principal) ABSL_LOCKS_EXCLUDED(mutex_);

  base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
};

// A context whose call ends after `timeout`.
std::unique_ptr<grpc::ClientContext> Within(std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace countersign::rpc

#endif  // COUNTERSIGN_TESTS_RPC_SERVER_FIXTURE_H_
