#include "tests/rpc/server_fixture.h"

#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "google/rpc/status.pb.h"

namespace countersign::rpc {
namespace {

constexpr char kDocuments[] = R"(
document: Directory
principals:
  - id: spiffe://example.org/agent/bot
  - id: spiffe://example.org/agent/other
  - id: spiffe://example.org/agent/revoked
    revoked: true
  - id: spiffe://example.org/human/alice
  - id: spiffe://example.org/human/bob
  - id: spiffe://example.org/workload/ci
  - id: spiffe://example.org/auditor/eve
  - {id: spiffe://example.org/human/revoked, revoked: true}
  - {id: spiffe://example.org/workload/revoked, revoked: true}
  - {id: spiffe://example.org/auditor/revoked, revoked: true}
groups:
  - name: admin
    members: [spiffe://example.org/human/alice]
---
document: Target
name: targets/db
environment: production
executors: [spiffe://example.org/workload/ci]
)";

absl::Time Soon(const base::Clock& clock) { return clock.Now() + absl::Seconds(10); }

template <typename Detail>
void Take(const google::protobuf::Any& any, std::vector<Detail>* details) {
  Detail detail;
  if (any.UnpackTo(&detail)) details->push_back(std::move(detail));
}

}  // namespace

ErrorDetails DetailsOf(const grpc::Status& status) {
  google::rpc::Status details;
  ErrorDetails found;
  if (!details.ParseFromString(status.error_details())) return found;
  if (details.code() != static_cast<int>(status.error_code())) return found;
  for (const google::protobuf::Any& any : details.details()) {
    Take(any, &found.infos);
    Take(any, &found.retries);
    Take(any, &found.bad_requests);
  }
  return found;
}

std::string ReasonOf(const grpc::Status& status) {
  const ErrorDetails details = DetailsOf(status);
  if (details.infos.size() != 1 || details.infos[0].domain() != "countersign") return "";
  return details.infos[0].reason();
}

bool Eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

std::unique_ptr<grpc::ClientContext> Within(std::chrono::milliseconds timeout) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + timeout);
  return context;
}

void CollectingLog::Write(const RequestLine& line) {
  base::MutexLock lock(&mutex_);
  lines_.push_back({std::string(line.method), std::string(line.principal), std::string(line.request_id),
                    std::string(line.proposal), std::string(line.reason), std::string(line.detail)});
}

void CollectingLog::OnRequest(std::string_view method, v1::Reason reason, absl::Duration) {
  base::MutexLock lock(&mutex_);
  ++counts_[{std::string(method), reason}];
}

std::vector<LogLine> CollectingLog::lines() const {
  base::MutexLock lock(&mutex_);
  return lines_;
}

int CollectingLog::counted(const std::string& method, v1::Reason reason) const {
  base::MutexLock lock(&mutex_);
  const auto found = counts_.find({method, reason});
  return found == counts_.end() ? 0 : found->second;
}

ServerFixture::ServerFixture() {
  const testing::Certificate certificate = ca_.IssueServer();
  options_.listen_address = "127.0.0.1:0";
  options_.certificate_file = certificate.certificate_path;
  options_.key_file = certificate.key_path;
  options_.client_ca_file = ca_.path();
  options_.certificate_refresh = std::chrono::seconds(1);
  watch_options_.token_key = std::string(32, 'w');

  directory_.Write("20200101T000000Z.pem", ca_.IssueClient("spiffe://example.org/agent/key").key_pem);
  keys_ = std::make_unique<token::KeyRing>(directory_.path());
  EXPECT_OK(keys_->Reload());
  auto master_keys = storage::MasterKeys::Parse("k1 MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
  EXPECT_OK(master_keys);
  master_keys_ = std::make_unique<storage::MasterKeys>(*std::move(master_keys));
  broker_ = std::make_unique<broker::Broker>(
      broker::Broker::Options{.issuer = "https://broker.example.org", .page_token_key = std::string(32, 'p')},
      &store_, &clock_, &random_, keys_.get(), master_keys_.get(), &plan_reader_, this);
  EXPECT_OK(broker_->RefreshConfiguration(Soon(clock_)));
  EXPECT_OK(broker_->Bootstrap(kDocuments, Soon(clock_)));
  EXPECT_OK(broker_->RefreshConfiguration(Soon(clock_)));
}

ServerFixture::~ServerFixture() {
  server_.reset();
  if (executor_ != nullptr) executor_->Shutdown();
  watchers_.reset();
  hub_.reset();
}

void ServerFixture::StartServer() {
  executor_ = std::make_unique<base::Executor>(executor_threads_, executor_queue_);
  hub_ = std::make_unique<watch::Hub>(hub_options_, &store_, &clock_, executor_.get());
  hub_->Start();
  watchers_ = std::make_unique<watch::Watchers>(watch_options_, &store_, &clock_, executor_.get());
  watchers_->Start();
  auto server = Server::Start(options_, {.broker = broker_.get(),
                                         .hub = hub_.get(),
                                         .watchers = watchers_.get(),
                                         .executor = executor_.get(),
                                         .plan_executor = executor_.get(),
                                         .clock = &clock_,
                                         .random = &random_,
                                         .log = &log_,
                                         .observer = &log_});
  ASSERT_OK(server);
  server_ = *std::move(server);
  server_->SetServing(true);
}

std::shared_ptr<void> ServerFixture::OccupyExecutor() {
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    size_t running = 0;
    bool open = false;
  };
  const auto gate = std::make_shared<Gate>();
  for (size_t i = 0; i < executor_threads_; ++i) {
    EXPECT_TRUE(executor_->TrySubmit([gate] {
      std::unique_lock lock(gate->mutex);
      ++gate->running;
      gate->changed.notify_all();
      gate->changed.wait(lock, [&] { return gate->open; });
    }));
  }
  {
    std::unique_lock lock(gate->mutex);
    gate->changed.wait(lock, [&] { return gate->running == executor_threads_; });
  }
  while (executor_->TrySubmit([] {})) {
  }
  return std::shared_ptr<void>(gate.get(), [gate](void*) {
    const std::lock_guard lock(gate->mutex);
    gate->open = true;
    gate->changed.notify_all();
  });
}

std::shared_ptr<grpc::Channel> ServerFixture::ConnectWith(const testing::Certificate& certificate,
                                                          const std::string& root_pem) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel("localhost:" + std::to_string(server_->port()),
                                   grpc::SslCredentials({.pem_root_certs = root_pem,
                                                         .pem_private_key = certificate.key_pem,
                                                         .pem_cert_chain = certificate.certificate_pem}),
                                   arguments);
}

std::shared_ptr<grpc::Channel> ServerFixture::Connect(const std::string& principal) {
  return ConnectWith(ca_.IssueClient(principal), ca_.pem());
}

std::shared_ptr<grpc::Channel> ServerFixture::ChannelOf(const std::string& principal) {
  base::MutexLock lock(&mutex_);
  std::shared_ptr<grpc::Channel>& channel = channels_[principal];
  if (channel == nullptr) channel = Connect(principal);
  return channel;
}

grpc::Status ServerFixture::CallWithBytes(const std::shared_ptr<grpc::Channel>& channel,
                                          const std::string& path, const std::string& request,
                                          std::string* answer) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto context = Within();
  grpc::Slice slice(request);
  const grpc::ByteBuffer bytes(&slice, 1);
  const auto call = stub.PrepareUnaryCall(context.get(), path, bytes, &queue);
  grpc::ByteBuffer response;
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, this);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  grpc::Slice answered;
  if (status.ok() && response.TrySingleSlice(&answered).ok()) {
    answer->assign(reinterpret_cast<const char*>(answered.begin()), answered.size());
  }
  return status;
}

std::unique_ptr<v1::ProposalService::Stub> ServerFixture::Proposals(const std::string& principal) {
  return v1::ProposalService::NewStub(ChannelOf(principal));
}

std::unique_ptr<v1::DecisionService::Stub> ServerFixture::Decisions(const std::string& principal) {
  return v1::DecisionService::NewStub(ChannelOf(principal));
}

std::unique_ptr<v1::ExecutionService::Stub> ServerFixture::Executions(const std::string& principal) {
  return v1::ExecutionService::NewStub(ChannelOf(principal));
}

std::unique_ptr<v1::ConfigService::Stub> ServerFixture::Configs(const std::string& principal) {
  return v1::ConfigService::NewStub(ChannelOf(principal));
}

v1::CreateProposalRequest ServerFixture::NewProposal() {
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(v1::COMMAND);
  request.mutable_action()->set_target("targets/db");
  request.mutable_action()->add_argv("true");
  request.set_reason("a test");
  return request;
}

v1::Proposal ServerFixture::MustCreate() {
  v1::Proposal proposal;
  const grpc::Status status = Proposals(kAgent)->CreateProposal(Within().get(), NewProposal(), &proposal);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return proposal;
}

grpc::Status ServerFixture::Approve(const std::string& principal, const v1::Proposal& proposal,
                                    v1::Proposal* approved) {
  v1::ApproveProposalRequest request;
  request.set_name(proposal.name());
  request.set_etag(proposal.etag());
  request.set_action_digest(proposal.action_digest());
  return Decisions(principal)->ApproveProposal(Within().get(), request, approved);
}

void ServerFixture::RevokeJob() {
  v1::ApplyDocumentsRequest request;
  request.set_content(
      "document: Directory\n"
      "principals:\n"
      "  - id: spiffe://example.org/agent/bot\n"
      "  - id: spiffe://example.org/human/alice\n"
      "  - {id: spiffe://example.org/workload/ci, revoked: true}\n"
      "groups:\n"
      "  - {name: admin, members: [spiffe://example.org/human/alice]}\n");
  v1::ApplyDocumentsResponse response;
  const grpc::Status applied = Configs(kAlice)->ApplyDocuments(Within().get(), request, &response);
  EXPECT_TRUE(applied.ok()) << applied.error_message();
}

grpc::Status ServerFixture::Get(const std::string& principal, const std::string& name,
                                v1::Proposal* proposal) {
  v1::GetProposalRequest request;
  request.set_name(name);
  return Proposals(principal)->GetProposal(Within().get(), request, proposal);
}

grpc::Status ServerFixture::Upload(const std::string& principal, const v1::ArtifactHeader& header,
                                   const std::vector<std::string>& chunks, v1::Artifact* artifact) {
  const auto context = Within();
  const auto writer = Proposals(principal)->UploadArtifact(context.get(), artifact);
  v1::UploadArtifactRequest part;
  *part.mutable_header() = header;
  bool open = writer->Write(part);
  for (const std::string& chunk : chunks) {
    if (!open) break;
    part.set_chunk(chunk);
    open = writer->Write(part);
  }
  writer->WritesDone();
  return writer->Finish();
}

void ServerFixture::OnChanged(v1::Proposal::State, const storage::Record& record) {
  if (hub_ != nullptr) hub_->OnChanged(record);
  if (watchers_ != nullptr) watchers_->OnChanged(record);
}

}  // namespace countersign::rpc
