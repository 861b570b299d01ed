// The table of who may call what, over the wire: every RPC by every kind of caller.
#include <google/protobuf/descriptor.h>

#include "core/policy/principal.h"
#include "countersign/v1/target_service.grpc.pb.h"
#include "tests/rpc/server_fixture.h"
#include "tests/support/fatal.h"

namespace countersign::rpc {
namespace {

struct Rpc {
  broker::Method method;
  std::string path;     // "/countersign.v1.ProposalService/GetProposal"
  std::string request;  // Answered at once, however far it gets.
};

constexpr int kMethods = static_cast<int>(broker::Method::kListAuditEvents) + 1;

// An RPC that the table does not have ends the test.
broker::Method MethodNamed(std::string_view name) {
  for (int number = 0; number < kMethods; ++number) {
    const auto method = static_cast<broker::Method>(number);
    if (broker::MethodName(method) == name) return method;
  }
  testing::Fatal("the table of permissions does not have " + std::string(name));
}

// An empty request would be watched for ever.
std::string RequestFor(const std::string& method) {
  v1::WatchProposalsRequest watch;
  watch.set_resume_token("of no broker");
  return method == "WatchProposals" ? watch.SerializeAsString() : "";
}

// Every RPC that the contract has.
std::vector<Rpc> AllRpcs() {
  std::vector<Rpc> all;
  for (const char* name : {v1::ProposalService::service_full_name(), v1::DecisionService::service_full_name(),
                           v1::ExecutionService::service_full_name(), v1::TargetService::service_full_name(),
                           v1::ConfigService::service_full_name(), v1::AuditService::service_full_name()}) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    if (service == nullptr) continue;
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string& method = service->method(i)->name();
      all.push_back({MethodNamed(method), absl::StrCat("/", name, "/", method), RequestFor(method)});
    }
  }
  return all;
}

class PermissionTest : public ServerFixture {
 protected:
  std::string ReasonFor(const std::shared_ptr<grpc::Channel>& channel, const Rpc& rpc) {
    std::string answer;
    return ReasonOf(CallWithBytes(channel, rpc.path, rpc.request, &answer));
  }
};

TEST_F(PermissionTest, TheTableHoldsForEveryRpcAndKindOfCaller) {
  StartServer();
  const std::vector<Rpc> rpcs = AllRpcs();
  EXPECT_EQ(rpcs.size(), static_cast<size_t>(kMethods));
  for (const char* principal : {kAgent, kAlice, kBob, kJob, kAuditor}) {
    const auto channel = Connect(principal);
    const broker::Caller caller{principal, policy::ParsePrincipalId(principal)->kind, "thumbprint"};
    for (const Rpc& rpc : rpcs) {
      SCOPED_TRACE(rpc.path + " by " + principal);
      const bool permitted = broker_->Authorize(rpc.method, caller).ok();
      const std::string reason = ReasonFor(channel, rpc);
      EXPECT_EQ(reason == "NOT_PERMITTED", !permitted) << reason;
      EXPECT_NE(reason, "PRINCIPAL_UNKNOWN");
    }
  }
}

TEST_F(PermissionTest, NobodyUnknownOrRevokedGetsAnyAnswer) {
  StartServer();
  const std::vector<Rpc> rpcs = AllRpcs();
  for (const char* kind : {"agent", "human", "workload", "auditor"}) {
    for (const auto& [name, expected] :
         {std::pair("stranger", "PRINCIPAL_UNKNOWN"), std::pair("revoked", "PRINCIPAL_REVOKED")}) {
      const auto channel = Connect(absl::StrCat("spiffe://example.org/", kind, "/", name));
      for (const Rpc& rpc : rpcs) {
        EXPECT_EQ(ReasonFor(channel, rpc), expected) << rpc.path << " by " << kind << " " << name;
      }
    }
  }
}

}  // namespace
}  // namespace countersign::rpc
