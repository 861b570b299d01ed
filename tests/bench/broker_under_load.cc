#include "tests/bench/broker_under_load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/jws/signing_key.h"
#include "server/base/random.h"
#include "tests/bench/process_usage.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

constexpr char kTrustDomain[] = "spiffe://bench.example.org/";

std::string Documents() {
  std::string text =
      absl::StrCat("document: Directory\nprincipals:\n",                                                 //
                   "- {id: ", kTrustDomain, "agent/agent, owner: owner}\n",                              //
                   "- {id: ", kTrustDomain, "human/human, person: human}\n",                             //
                   "- {id: ", kTrustDomain, "workload/job}\n",                                           //
                   "groups:\n- name: operators\n  members: [", kTrustDomain, "human/human]\n",           //
                   "---\ndocument: Policy\nrules:\n- name: production\n  environments: [production]\n",  //
                   "  verdict: REQUIRE_APPROVAL\n  quorums: [{count: 1, groups: [operators]}]\n");
  for (int i = 0; i < BrokerUnderLoad::kTargets; ++i) {
    absl::StrAppend(&text, "---\ndocument: Target\nname: targets/bench-", i,
                    "\nenvironment: production\nowners: [operators]\nexecutors: [", kTrustDomain,
                    "workload/job]\n");
  }
  return text;
}

}  // namespace

Caller::Caller(const std::shared_ptr<grpc::Channel>& channel)
    : proposals(v1::ProposalService::NewStub(channel)),
      decisions(v1::DecisionService::NewStub(channel)),
      executions(v1::ExecutionService::NewStub(channel)),
      configurations(v1::ConfigService::NewStub(channel)) {}

BrokerUnderLoad::BrokerUnderLoad(testing::PostgresCluster& cluster)
    : database_(cluster),
      agent_(authority_.IssueClient(absl::StrCat(kTrustDomain, "agent/agent"))),
      human_(authority_.IssueClient(absl::StrCat(kTrustDomain, "human/human"))),
      workload_(authority_.IssueClient(absl::StrCat(kTrustDomain, "workload/job"))) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("countersignd");
  testing::SubprocessOptions options;
  options.argv = {program, "serve", "--config", WriteConfiguration()};
  options.stdout_path = directory_ / "log";
  options.stderr_path = directory_ / "log";
  process_ = std::make_unique<testing::Subprocess>(options);
  AwaitServing();
}

BrokerUnderLoad::~BrokerUnderLoad() {
  process_->Signal(SIGTERM);
  process_->Wait(absl::Seconds(10));
}

std::string BrokerUnderLoad::WriteConfiguration() const {
  const testing::Certificate server = const_cast<testing::TestCa&>(authority_).IssueServer();
  const auto key = jws::SigningKey::Generate();
  if (!key.ok()) testing::Fatal("no signing key");
  std::filesystem::create_directory(directory_ / "keys");
  directory_.Write("keys/20200101T000000Z.pem", key->ToPem());
  directory_.Write("master-keys",
                   absl::StrCat("bench ", absl::Base64Escape(base::SystemRandom().Bytes(32)), "\n"));
  directory_.Write("documents.yaml", Documents());
  return directory_.Write(
      "countersignd.yaml",
      absl::StrCat("grpc: {listen_address: '127.0.0.1:0', certificate_file: ", server.certificate_path,
                   ", key_file: ", server.key_path, ", client_ca_file: ", authority_.path(), "}\n",
                   "http: {listen_address: '127.0.0.1:0'}\n",                            //
                   "database: {url: \"", database_.BrokerDsn(), "\", pool_size: 16}\n",  //
                   "token: {issuer: 'http://127.0.0.1', signing_key_directory: ", directory_ / "keys", "}\n",
                   "artifact: {master_key_file: ", directory_ / "master-keys", "}\n",  //
                   "limits: {submits_per_minute: 1000000, submit_burst: 1000000, max_waiters: 100000,\n",
                   "         calls_in_flight_per_principal: 10000, queued_calls: 10000}\n",  //
                   "bootstrap: {documents: [", directory_ / "documents.yaml", "]}\n",        //
                   "log: {format: text}\n"));
}

void BrokerUnderLoad::AwaitServing() {
  constexpr std::string_view kPort = "grpc_port=";
  const absl::Duration poll = absl::Milliseconds(20);
  for (absl::Duration waited; waited < absl::Seconds(30); waited += poll) {
    const std::string log =
        std::filesystem::exists(directory_ / "log") ? testing::ReadFile(directory_ / "log") : "";
    const size_t found = log.find(kPort);
    if (found != std::string::npos) {
      const size_t start = found + kPort.size();
      address_ =
          absl::StrCat("127.0.0.1:", log.substr(start, log.find_first_not_of("0123456789", start) - start));
      return;
    }
    if (process_->Wait(poll).has_value()) break;
  }
  testing::Fatal(absl::StrCat("countersignd does not start:\n", testing::ReadFile(directory_ / "log")));
}

std::shared_ptr<grpc::Channel> BrokerUnderLoad::Connect(const testing::Certificate& certificate) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(
      address_, grpc::SslCredentials({authority_.pem(), certificate.key_pem, certificate.certificate_pem}),
      arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(20))) {
    testing::Fatal("no connection to the broker");
  }
  return channel;
}

pid_t BrokerUnderLoad::PostmasterPid() const {
  postgres::Connection connection = database_.Connect();
  const auto result = connection.Query("SELECT pg_backend_pid()::int8", {}, absl::InfiniteFuture());
  if (!result.ok() || result->empty()) testing::Fatal("the database does not say who it is");
  return ParentOf(static_cast<pid_t>(result->Int64(0, 0)));
}

}  // namespace countersign::bench
