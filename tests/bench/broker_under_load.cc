#include "tests/bench/broker_under_load.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/bench/process_usage.h"
#include "tests/support/fatal.h"

namespace countersign::bench {
namespace {

std::string Documents() {
  const std::string agent = testing::BrokerSite::Uri("agent", "agent");
  const std::string human = testing::BrokerSite::Uri("human", "human");
  const std::string workload = testing::BrokerSite::Uri("workload", "job");
  std::string text =
      absl::StrCat("document: Directory\nprincipals:\n",                                                 //
                   "- {id: ", agent, ", owner: human}\n",                                                //
                   "- {id: ", human, ", person: human}\n",                                               //
                   "- {id: ", workload, "}\n",                                                           //
                   "groups:\n- name: operators\n  members: [", human, "]\n",                             //
                   "---\ndocument: Policy\nrules:\n- name: production\n  environments: [production]\n",  //
                   "  verdict: REQUIRE_APPROVAL\n  quorums: [{count: 1, groups: [operators]}]\n");
  for (int i = 0; i < BrokerUnderLoad::kTargets; ++i) {
    absl::StrAppend(&text, "---\ndocument: Target\nname: targets/bench-", i,
                    "\nenvironment: production\nowners: [operators]\nexecutors: [", workload, "]\n");
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
      site_(std::filesystem::read_symlink("/proc/self/exe").replace_filename("countersignd"), Documents()),
      agent_(site_.Client("agent", "agent")),
      human_(site_.Client("human", "human")),
      workload_(site_.Client("workload", "job")),
      process_(site_,
               {.database_dsn = database_.BrokerDsn(),
                .settings = {"--limits.max_waiters=100000", "--limits.calls_in_flight_per_principal=10000",
                             "--limits.queued_calls=10000", "--log.level=info", "--log.format=text"}}) {}

BrokerUnderLoad::~BrokerUnderLoad() { process_.Terminate(); }

std::shared_ptr<grpc::Channel> BrokerUnderLoad::Connect(const testing::Certificate& certificate) const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  auto channel = grpc::CreateCustomChannel(
      process_.address(),
      grpc::SslCredentials({site_.authority().pem(), certificate.key_pem, certificate.certificate_pem}),
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
