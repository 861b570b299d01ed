#include "tests/rpc/server_fixture.h"

namespace countersign::rpc {
namespace {

class WatchTest : public ServerFixture {
 protected:
  struct Stream {
    std::unique_ptr<grpc::ClientContext> context = Within();
    std::unique_ptr<grpc::ClientReader<v1::WatchProposalsResponse>> reader;

    // The next change, or a message without a proposal when the stream has ended.
    v1::WatchProposalsResponse Next() {
      v1::WatchProposalsResponse change;
      while (reader->Read(&change) && !change.has_proposal()) {
      }
      return change;
    }
  };
  Stream Open(const std::string& principal, const std::string& token = "", const std::string& target = "") {
    v1::WatchProposalsRequest request;
    request.set_resume_token(token);
    request.set_target(target);
    Stream stream;
    stream.reader = Proposals(principal)->WatchProposals(stream.context.get(), request);
    return stream;
  }
};

TEST_F(WatchTest, StreamsWhatIsPendingAndThenWhatChanges) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  Stream stream = Open(kAlice);
  v1::WatchProposalsResponse change = stream.Next();
  EXPECT_EQ(change.proposal().name(), proposal.name());
  EXPECT_EQ(change.proposal().state(), v1::Proposal::PENDING);
  v1::Proposal approved;
  ASSERT_TRUE(Approve(kAlice, proposal, &approved).ok());
  change = stream.Next();
  EXPECT_EQ(change.proposal().state(), v1::Proposal::APPROVED);
  EXPECT_FALSE(change.resume_token().empty());
}

TEST_F(WatchTest, RefusesATargetThatIsNoTargetsName) {
  StartServer();
  for (const char* target : {"%", "db", "targets/", "targets/DB", "targets/%", "targets/../x"}) {
    Stream stream = Open(kAlice, "", target);
    EXPECT_FALSE(stream.Next().has_proposal()) << target;
    const grpc::Status status = stream.reader->Finish();
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD") << target;
    EXPECT_EQ(DetailsOf(status).bad_requests.at(0).field_violations(0).field(), "target");
  }
}

TEST_F(WatchTest, ResumesOnAnotherConnection) {
  StartServer();
  const v1::Proposal proposal = MustCreate();
  std::string token;
  {
    Stream stream = Open(kAlice);
    token = stream.Next().resume_token();
    stream.context->TryCancel();
    (void)stream.reader->Finish();
  }
  v1::Proposal approved;
  ASSERT_TRUE(Approve(kAlice, proposal, &approved).ok());
  Stream stream = Open(kAlice, token);
  v1::WatchProposalsResponse change = stream.Next();
  if (change.proposal().state() == v1::Proposal::PENDING) change = stream.Next();
  EXPECT_EQ(change.proposal().name(), proposal.name());
  EXPECT_EQ(change.proposal().state(), v1::Proposal::APPROVED);
}

TEST_F(WatchTest, ShowsAnAgentOnlyItsOwn) {
  StartServer();
  (void)MustCreate();
  Stream stream = Open(kOtherAgent);
  v1::CreateProposalRequest request = NewProposal();
  v1::Proposal own;
  ASSERT_TRUE(Proposals(kOtherAgent)->CreateProposal(Within().get(), request, &own).ok());
  EXPECT_EQ(stream.Next().proposal().name(), own.name());
}

TEST_F(WatchTest, EndsForWhoIsRevokedMeanwhile) {
  StartServer();
  (void)MustCreate();
  Stream stream = Open(kJob);
  EXPECT_TRUE(stream.Next().has_proposal());
  RevokeJob();
  EXPECT_FALSE(stream.Next().has_proposal());
  EXPECT_EQ(ReasonOf(stream.reader->Finish()), "PRINCIPAL_REVOKED");
}

TEST_F(WatchTest, RefusesAForeignToken) {
  StartServer();
  Stream stream = Open(kAlice, "bm90IG91cnM");
  v1::WatchProposalsResponse change;
  EXPECT_FALSE(stream.reader->Read(&change));
  EXPECT_EQ(ReasonOf(stream.reader->Finish()), "INVALID_FIELD");
}

TEST_F(WatchTest, ACancelledWatchLeavesNothingBehind) {
  StartServer();
  (void)MustCreate();
  Stream stream = Open(kAlice);
  (void)stream.Next();
  EXPECT_EQ(watchers_->watching(), 1u);
  stream.context->TryCancel();
  EXPECT_EQ(stream.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return watchers_->watching() == 0; }));
}

TEST_F(WatchTest, OnePrincipalGetsSoManyStreams) {
  options_.limits.max_watches_per_principal = 1;
  StartServer();
  (void)MustCreate();
  Stream first = Open(kAlice);
  (void)first.Next();
  Stream second = Open(kAlice);
  v1::WatchProposalsResponse change;
  EXPECT_FALSE(second.reader->Read(&change));
  EXPECT_EQ(ReasonOf(second.reader->Finish()), "RATE_LIMITED");
  first.context->TryCancel();
  (void)first.reader->Finish();
  EXPECT_TRUE(Eventually([&] {
    Stream third = Open(kAlice);
    return third.Next().has_proposal();
  }));
}

// A reader that does not read is cut off, without holding up anybody, and resumes without a loss.
TEST_F(WatchTest, CutsOffASlowReaderWhoThenResumes) {
  watch_options_.max_queued = 20;
  StartServer();
  v1::Proposal proposal = MustCreate();
  Stream stream = Open(kAlice);
  (void)stream.Next();
  // More than the connection's buffers hold.
  proposal.set_reason(std::string(64 << 10, 'x'));
  int64_t version = 1;
  EXPECT_TRUE(Eventually([&] {
    storage::Record record;
    record.proposal = proposal;
    record.version = ++version;
    watchers_->OnChanged(record);
    return watchers_->watching() == 0;
  }));
  v1::WatchProposalsResponse change;
  std::string token;
  while (stream.reader->Read(&change)) token = change.resume_token();
  const grpc::Status status = stream.reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");

  v1::Proposal approved;
  const v1::Proposal other = MustCreate();
  Stream resumed = Open(kAlice, token);
  bool found = false;
  for (int i = 0; i < 3 && !found; ++i) found = resumed.Next().proposal().name() == other.name();
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace countersign::rpc
