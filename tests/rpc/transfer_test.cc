#include "core/digest/digest.h"
#include "tests/rpc/server_fixture.h"

namespace countersign::rpc {
namespace {

using ::testing::SizeIs;

class TransferTest : public ServerFixture {
 protected:
  static v1::ArtifactHeader Header(int64_t size, const std::string& digest = "") {
    v1::ArtifactHeader header;
    header.set_size_bytes(size);
    header.set_digest(digest);
    return header;
  }
  // Sends parts as they are, whatever the rules say.
  grpc::Status UploadParts(const std::vector<v1::UploadArtifactRequest>& parts) {
    v1::Artifact artifact;
    const auto context = Within();
    const auto writer = Proposals(kAgent)->UploadArtifact(context.get(), &artifact);
    for (const v1::UploadArtifactRequest& part : parts) {
      if (!writer->Write(part)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  static v1::UploadArtifactRequest HeaderPart(int64_t size) {
    v1::UploadArtifactRequest part;
    *part.mutable_header() = Header(size);
    return part;
  }
  static v1::UploadArtifactRequest ChunkPart(const std::string& bytes) {
    v1::UploadArtifactRequest part;
    part.set_chunk(bytes);
    return part;
  }
  grpc::Status UploadAsAgent(const v1::ArtifactHeader& header, const std::vector<std::string>& chunks) {
    v1::Artifact artifact;
    return Upload(kAgent, header, chunks, &artifact);
  }
  grpc::Status Download(const std::string& principal, const std::string& proposal, const std::string& digest,
                        std::string* bytes) {
    v1::DownloadArtifactRequest request;
    request.set_proposal(proposal);
    request.set_digest(digest);
    const auto context = Within();
    const auto reader = Proposals(principal)->DownloadArtifact(context.get(), request);
    v1::DownloadArtifactResponse piece;
    while (reader->Read(&piece)) {
      EXPECT_LE(piece.chunk().size(), size_t{1} << 20);
      *bytes += piece.chunk();
    }
    return reader->Finish();
  }
  // A proposal of kAgent that uses an artifact of these bytes.
  v1::Proposal Propose(const std::string& bytes, std::string* digest) {
    std::vector<std::string> chunks;
    for (size_t at = 0; at < bytes.size(); at += 512 << 10) chunks.push_back(bytes.substr(at, 512 << 10));
    v1::Artifact artifact;
    const grpc::Status uploaded =
        Upload(kAgent, Header(static_cast<int64_t>(bytes.size())), chunks, &artifact);
    EXPECT_TRUE(uploaded.ok()) << uploaded.error_message();
    *digest = artifact.digest();
    v1::CreateProposalRequest request = NewProposal();
    auto* reference = request.mutable_action()->add_artifacts();
    reference->set_digest(artifact.digest());
    reference->set_file_name("input.bin");
    v1::Proposal proposal;
    const grpc::Status created = Proposals(kAgent)->CreateProposal(Within().get(), request, &proposal);
    EXPECT_TRUE(created.ok()) << created.error_message();
    return proposal;
  }
};

TEST_F(TransferTest, BytesComeBackAsTheyWent) {
  StartServer();
  std::string bytes;
  for (int i = 0; i < 3'000'001; ++i) bytes += static_cast<char>(i * 31 + i / 997);
  std::string digest;
  const v1::Proposal proposal = Propose(bytes, &digest);
  EXPECT_EQ(digest, digest::Sha256(bytes));
  for (const char* principal : {kAgent, kAlice, kJob}) {
    std::string downloaded;
    const grpc::Status status = Download(principal, proposal.name(), digest, &downloaded);
    EXPECT_TRUE(status.ok()) << principal << ": " << status.error_message();
    EXPECT_TRUE(downloaded == bytes) << principal;
  }
}

TEST_F(TransferTest, OnlyWhoMaySeeTheProposalDownloadsAndOnlyItsArtifacts) {
  StartServer();
  std::string digest;
  const v1::Proposal proposal = Propose("bytes", &digest);
  const v1::Proposal without = MustCreate();
  std::string bytes;
  EXPECT_EQ(ReasonOf(Download(kOtherAgent, proposal.name(), digest, &bytes)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Download(kAgent, without.name(), digest, &bytes)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Download(kAgent, "nonsense", digest, &bytes)), "INVALID_FIELD");
  EXPECT_EQ(bytes, "");
}

TEST_F(TransferTest, AnAnnouncedDigestIsChecked) {
  StartServer();
  EXPECT_TRUE(UploadAsAgent(Header(5, digest::Sha256("bytes")), {"byt", "es"}).ok());
  const grpc::Status status = UploadAsAgent(Header(5, digest::Sha256("other")), {"bytes"});
  EXPECT_EQ(ReasonOf(status), "DIGEST_MISMATCH");
  EXPECT_THAT(store_.ArtifactSizes({digest::Sha256("bytes")}, absl::InfiniteFuture()), testing::IsOk());
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(5, "sha256:XYZ"), {"bytes"})), "INVALID_FIELD");
}

TEST_F(TransferTest, NothingIsStoredOfBytesThatAreNotWhatWasAnnounced) {
  StartServer();
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(5, digest::Sha256("other")), {"bytes"})), "DIGEST_MISMATCH");
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(6), {"bytes"})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(4), {"bytes"})), "INVALID_FIELD");
  EXPECT_THAT(store_.ArtifactSizes({digest::Sha256("bytes")}, absl::InfiniteFuture()),
              testing::HasReason(v1::NOT_FOUND));
}

TEST_F(TransferTest, TooMuchIsRefusedAsSoonAsItIsAnnounced) {
  StartServer();
  // Nothing after the header is sent, and the client has not said that it is done.
  v1::Artifact artifact;
  const auto context = Within();
  const auto writer = Proposals(kAgent)->UploadArtifact(context.get(), &artifact);
  ASSERT_TRUE(writer->Write(HeaderPart((64 << 20) + 1)));
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "ARTIFACT_TOO_LARGE");
}

TEST_F(TransferTest, TheLimitIsTheLastByteThatIsAllowed) {
  options_.limits.max_artifact_bytes = 1000;
  StartServer();
  EXPECT_TRUE(UploadAsAgent(Header(1000), {std::string(1000, 'x')}).ok());
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(1001), {std::string(1001, 'x')})), "ARTIFACT_TOO_LARGE");
  EXPECT_EQ(ReasonOf(UploadAsAgent(Header(1000), {std::string(600, 'x'), std::string(600, 'x')})),
            "ARTIFACT_TOO_LARGE");
}

TEST_F(TransferTest, PartsOutOfOrderAreRefused) {
  StartServer();
  EXPECT_EQ(ReasonOf(UploadParts({})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({ChunkPart("x")})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({HeaderPart(1), HeaderPart(1)})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({v1::UploadArtifactRequest()})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({HeaderPart(0)})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({HeaderPart(-1)})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({HeaderPart(1), ChunkPart("")})), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(UploadParts({HeaderPart(2 << 20), ChunkPart(std::string((1 << 20) + 1, 'x'))})),
            "INVALID_FIELD");
}

TEST_F(TransferTest, AnUploadThatStallsIsEnded) {
  options_.limits.max_transfer_duration = absl::Milliseconds(300);
  StartServer();
  v1::Artifact artifact;
  grpc::ClientContext context;  // No deadline of its own.
  const auto writer = Proposals(kAgent)->UploadArtifact(&context, &artifact);
  ASSERT_TRUE(writer->Write(HeaderPart(10)));
  ASSERT_TRUE(writer->Write(ChunkPart("12345")));
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
}

TEST_F(TransferTest, AnUploadThatDripsIsEndedLongBeforeItsTime) {
  options_.limits.transfer_pace_period = absl::Milliseconds(200);
  options_.limits.least_bytes_per_pace_period = 1000;
  StartServer();
  v1::Artifact artifact;
  grpc::ClientContext context;
  const auto writer = Proposals(kAgent)->UploadArtifact(&context, &artifact);
  ASSERT_TRUE(writer->Write(HeaderPart(1 << 20)));
  ASSERT_TRUE(writer->Write(ChunkPart(std::string(1000, 'x'))));
  ASSERT_TRUE(writer->Write(ChunkPart("x")));
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(ReasonOf(status), "OVERLOADED");
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("moved less than 1000 bytes in 200ms"));
}

TEST_F(TransferTest, ADownloadThatNobodyReadsIsEnded) {
  options_.limits.transfer_pace_period = absl::Milliseconds(200);
  StartServer();
  std::string digest;
  const v1::Proposal proposal = Propose(std::string(8 << 20, 'x'), &digest);
  v1::DownloadArtifactRequest request;
  request.set_proposal(proposal.name());
  request.set_digest(digest);
  grpc::ClientContext context;
  const auto reader = Proposals(kAgent)->DownloadArtifact(&context, request);
  EXPECT_TRUE(Eventually([&] {
    const auto lines = log_.lines();
    return !lines.empty() && lines.back().method == "DownloadArtifact";
  }));
  EXPECT_EQ(log_.lines().back().reason, "CANCELLED");
  v1::DownloadArtifactResponse part;
  while (reader->Read(&part)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

// How principals share the memory is tested with PrincipalLimits; here, that uploads and downloads ask it.
TEST_F(TransferTest, OnePrincipalsTransfersHoldOnlySoMuchMemoryAndGiveItBack) {
  options_.limits.transfer_memory_bytes = 2 << 20;
  StartServer();
  const std::string half(512 << 10, 'x');
  for (int i = 0; i < 10; ++i) {
    const grpc::Status refused = UploadAsAgent(Header(768 << 10), {half, std::string(256 << 10, 'y')});
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonOf(refused), "RATE_LIMITED");
    EXPECT_THAT(DetailsOf(refused).retries, SizeIs(1));
    const grpc::Status stored = UploadAsAgent(Header(512 << 10), {half});
    EXPECT_TRUE(stored.ok()) << stored.error_message();
  }
  std::string digest;
  const v1::Proposal proposal = Propose(half, &digest);
  for (int i = 0; i < 10; ++i) {
    std::string bytes;
    EXPECT_TRUE(Download(kAgent, proposal.name(), digest, &bytes).ok());
    EXPECT_TRUE(bytes == half);
  }
}

// A plan whose view has about so many bytes.
v1::PlanView ViewOf(size_t bytes) {
  v1::PlanView view;
  view.set_terraform_version("1.11.4");
  view.mutable_state()->set_lineage("L");
  view.mutable_configuration()->set_digest(std::string(bytes, 'x'));
  return view;
}

TEST_F(TransferTest, ViewsOfPlansComeAsTheyAreStoredAndCountAsTransfers) {
  options_.limits.transfer_memory_bytes = 4 << 20;
  StartServer();
  const auto propose = [this](const v1::PlanView& view) {
    v1::Artifact artifact;
    const std::string bytes = testing::FakePlanReader::BytesOf(view);
    EXPECT_TRUE(Upload(kAgent, Header(static_cast<int64_t>(bytes.size())), {bytes}, &artifact).ok());
    v1::CreateProposalRequest request = NewProposal();
    const std::string target = request.action().target();
    request.clear_action();
    request.mutable_action()->set_kind(v1::TERRAFORM_PLAN);
    request.mutable_action()->set_target(target);
    request.mutable_action()->add_artifacts()->set_digest(artifact.digest());
    request.mutable_action()->mutable_artifacts(0)->set_file_name("tfplan");
    v1::Proposal proposal;
    const grpc::Status created = Proposals(kAgent)->CreateProposal(Within().get(), request, &proposal);
    EXPECT_TRUE(created.ok()) << created.error_message();
    return proposal;
  };
  const auto get = [this](const char* principal, const v1::Proposal& proposal, v1::PlanView* view) {
    v1::GetPlanViewRequest request;
    request.set_name(proposal.name());
    return Proposals(principal)->GetPlanView(Within().get(), request, view);
  };
  const v1::Proposal small = propose(ViewOf(512 << 10));
  for (int i = 0; i < 10; ++i) {
    v1::PlanView view;
    // The server may learn that the last one was sent after the caller has it.
    EXPECT_TRUE(Eventually([&] { return get(kAlice, small, &view).ok(); }));
    EXPECT_EQ(view.SerializeAsString(), ViewOf(512 << 10).SerializeAsString());
  }
  v1::PlanView view;
  EXPECT_EQ(ReasonOf(get(kOtherAgent, small, &view)), "NOT_FOUND");
  v1::GetPlanViewRequest strange;
  strange.set_name(small.name());
  strange.GetReflection()->MutableUnknownFields(&strange)->AddVarint(99, 1);
  EXPECT_EQ(ReasonOf(Proposals(kAlice)->GetPlanView(Within().get(), strange, &view)), "INVALID_FIELD");
  const std::string large = ViewOf(2 << 20).SerializeAsString();
  EXPECT_TRUE(store_.PutPlanView(digest::Sha256(large), large, clock_.Now(), absl::InfiniteFuture()).ok());
  v1::Proposal other = small;
  other.mutable_plan()->set_view_digest(digest::Sha256(large));
  store_.Tamper(small.name().substr(std::string("proposals/").size()), other);
  const grpc::Status refused = get(kAlice, small, &view);
  EXPECT_EQ(ReasonOf(refused), "RATE_LIMITED");
  EXPECT_THAT(DetailsOf(refused).retries, SizeIs(1));
}

TEST_F(TransferTest, AnUploadThatIsGivenUpStoresNothing) {
  StartServer();
  v1::Artifact artifact;
  const auto context = Within();
  const auto writer = Proposals(kAgent)->UploadArtifact(context.get(), &artifact);
  ASSERT_TRUE(writer->Write(HeaderPart(5)));
  context->TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return log_.lines().size() == 1; }));
  EXPECT_EQ(log_.lines()[0].reason, "CANCELLED");
}

TEST_F(TransferTest, ADownloadThatIsGivenUpEnds) {
  StartServer();
  std::string digest;
  const v1::Proposal proposal = Propose(std::string(4 << 20, 'x'), &digest);
  v1::DownloadArtifactRequest request;
  request.set_proposal(proposal.name());
  request.set_digest(digest);
  const auto context = Within();
  const auto reader = Proposals(kAgent)->DownloadArtifact(context.get(), request);
  v1::DownloadArtifactResponse piece;
  ASSERT_TRUE(reader->Read(&piece));
  context->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return log_.counted("DownloadArtifact", v1::REASON_UNSPECIFIED) == 1; }));
}

}  // namespace
}  // namespace countersign::rpc
