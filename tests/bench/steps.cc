#include "tests/bench/steps.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/digest/action_digest.h"
#include "tests/support/fatal.h"

namespace countersign::bench {

void Check(const grpc::Status& status, const char* what) {
  if (!status.ok()) {
    testing::Fatal(
        absl::StrCat(what, ": ", static_cast<int>(status.error_code()), " ", status.error_message()));
  }
}

std::string NewRequestId() {
  static std::atomic<int64_t> next = 0;
  return absl::StrFormat("bench-%010d-%015d", getpid(), ++next);
}

namespace {

v1::CreateProposalRequest Request(v1::Kind kind, int target) {
  v1::CreateProposalRequest request;
  request.mutable_action()->set_kind(kind);
  request.mutable_action()->set_target(absl::StrCat("targets/bench-", target));
  request.set_reason("Adds the column that the next release reads; takes no lock for longer than a second.");
  request.set_request_id(NewRequestId());
  return request;
}

v1::CreateProposalRequest CommandRequest(int target) {
  v1::CreateProposalRequest request = Request(v1::COMMAND, target);
  v1::Action* action = request.mutable_action();
  for (const char* argument :
       {"psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", "migration.sql"}) {
    action->add_argv(argument);
  }
  (*action->mutable_environment())["PGHOST"] = "db.example.org";
  (*action->mutable_environment())["PGDATABASE"] = "courses";
  return request;
}

}  // namespace

v1::Proposal Submit(const Caller& agent, int target) {
  Context context;
  v1::Proposal proposal;
  Check(agent.proposals->CreateProposal(&context, CommandRequest(target), &proposal), "submit");
  return proposal;
}

grpc::Status TryToSubmitWithArtifact(const Caller& agent, v1::Kind kind, int target,
                                     const std::string& digest, v1::Proposal* proposal) {
  const bool command = kind == v1::COMMAND;
  v1::CreateProposalRequest request = command ? CommandRequest(target) : Request(kind, target);
  v1::ArtifactReference* artifact = request.mutable_action()->add_artifacts();
  artifact->set_digest(digest);
  if (command) artifact->set_file_name("migration.sql");
  Context context;
  return agent.proposals->CreateProposal(&context, request, proposal);
}

v1::Proposal SubmitWithArtifact(const Caller& agent, v1::Kind kind, int target, const std::string& digest) {
  v1::Proposal proposal;
  Check(TryToSubmitWithArtifact(agent, kind, target, digest, &proposal), "submit with an artifact");
  return proposal;
}

std::string Upload(const Caller& agent, std::string_view bytes) {
  constexpr size_t kChunk = 1 << 20;
  Context context;
  v1::Artifact artifact;
  const auto writer = agent.proposals->UploadArtifact(&context, &artifact);
  v1::UploadArtifactRequest part;
  part.mutable_header()->set_size_bytes(static_cast<int64_t>(bytes.size()));
  bool open = writer->Write(part);
  while (open && !bytes.empty()) {
    part.set_chunk(std::string(bytes.substr(0, kChunk)));
    bytes.remove_prefix(std::min(kChunk, bytes.size()));
    open = writer->Write(part);
  }
  writer->WritesDone();
  Check(writer->Finish(), "upload");
  return artifact.digest();
}

v1::Proposal Approve(const Caller& human, const v1::Proposal& proposal) {
  v1::ApproveProposalRequest request;
  request.set_name(proposal.name());
  request.set_etag(proposal.etag());
  request.set_action_digest(proposal.action_digest());
  request.set_request_id(NewRequestId());
  Context context;
  v1::Proposal approved;
  Check(human.decisions->ApproveProposal(&context, request, &approved), "approve");
  if (approved.state() != v1::Proposal::APPROVED) testing::Fatal("one approval should suffice");
  return approved;
}

v1::ClaimProposalResponse Claim(const Caller& workload, const std::string& name) {
  v1::ClaimProposalRequest request;
  request.set_name(name);
  request.set_request_id(NewRequestId());
  Context context;
  v1::ClaimProposalResponse claim;
  Check(workload.executions->ClaimProposal(&context, request, &claim), "claim");
  return claim;
}

v1::RedeemTokenResponse Redeem(const Caller& workload, const v1::ClaimProposalResponse& claim) {
  const auto digest = digest::ActionDigest(claim.proposal().action());
  if (!digest.ok()) testing::Fatal("the action has no digest");
  v1::RedeemTokenRequest request;
  request.set_token(claim.token());
  request.set_action_digest(*digest);
  request.set_request_id(NewRequestId());
  Context context;
  v1::RedeemTokenResponse redeemed;
  Check(workload.executions->RedeemToken(&context, request, &redeemed), "redeem");
  return redeemed;
}

v1::Proposal Succeed(const Caller& workload, const v1::Proposal& executing) {
  v1::ReportExecutionRequest request;
  request.set_name(executing.name());
  request.set_execution_id(executing.execution().id());
  request.mutable_duration()->set_seconds(1);
  request.set_request_id(NewRequestId());
  Context context;
  v1::Proposal proposal;
  Check(workload.executions->ReportExecution(&context, request, &proposal), "report");
  if (proposal.state() != v1::Proposal::SUCCEEDED) testing::Fatal("the report should have ended it");
  return proposal;
}

void StepTimes::Add(const StepTimes& other) {
  submit.Add(other.submit);
  approve.Add(other.approve);
  claim.Add(other.claim);
  redeem.Add(other.redeem);
  report.Add(other.report);
}

std::string RunLifecycle(const Caller& agent, const Caller& human, const Caller& workload, int target,
                         StepTimes* times) {
  Instant start = Now();
  const auto step = [&start](Samples* samples) {
    samples->Add(Since(start));
    start = Now();
  };
  const v1::Proposal submitted = Submit(agent, target);
  step(&times->submit);
  const v1::Proposal approved = Approve(human, submitted);
  step(&times->approve);
  const v1::ClaimProposalResponse claim = Claim(workload, approved.name());
  step(&times->claim);
  const v1::RedeemTokenResponse redeemed = Redeem(workload, claim);
  step(&times->redeem);
  Succeed(workload, redeemed.proposal());
  step(&times->report);
  return submitted.name();
}

Waiter::Waiter(const Caller& workload, const std::string& name) : workload_(workload) {
  request_.set_name(name);
  request_.mutable_timeout()->set_seconds(60);
  Start();
}

// A wait that ran out is repeated, as the client library does.
void Waiter::Start() {
  context_ = std::make_unique<Context>();
  workload_.proposals->async()->WaitProposal(context_.get(), &request_, &response_,
                                             [this](const grpc::Status& status) {
                                               Check(status, "wait");
                                               if (response_.state() == v1::Proposal::PENDING) return Start();
                                               const std::lock_guard lock(mutex_);
                                               answer_time_ = Now();
                                               done_ = true;
                                               answered_.notify_all();
                                             });
}

bool Waiter::AnsweredWithin(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  return answered_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return done_; });
}

Instant Waiter::AwaitApproval() {
  if (!AnsweredWithin(absl::Minutes(2))) testing::Fatal("a waiting job got no answer");
  if (response_.state() != v1::Proposal::APPROVED)
    testing::Fatal("a waiting job saw another state than APPROVED");
  return answer_time_;
}

}  // namespace countersign::bench
