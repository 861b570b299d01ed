// Artifacts and documents.
#include <atomic>

#include "server/base/timestamps.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"

namespace countersign::storage {
namespace {

using ::countersign::testing::HasReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ContentContract : public StoreContract {
 protected:
  static SealedArtifact Artifact(const std::string& digest, absl::Time create_time = kStart) {
    return {digest,     1234, "key-1", std::string("\0\x01wrapped", 9), std::string("\xff\0cipher\\x", 10),
            create_time};
  }
  static v1::AuditEvent Applied() {
    v1::AuditEvent event;
    event.set_type("configuration.applied");
    event.set_principal("spiffe://example.org/human/alice");
    event.set_request_id("r");
    event.set_details_json("{}");
    *event.mutable_event_time() = base::ToTimestamp(kStart);
    return event;
  }
  absl::StatusOr<int64_t> Apply(int64_t expected_version, const std::vector<NewDocument>& documents,
                                const std::string& request_id) {
    return store().ApplyDocuments(expected_version, documents, "spiffe://example.org/human/alice", kStart,
                                  Applied(), Request(request_id), kForever);
  }
};
INSTANTIATE_TEST_SUITE_P(Fake, ContentContract, ::testing::Values(Implementation{"fake", NewFakeStore}));
INSTANTIATE_TEST_SUITE_P(Postgres, ContentContract,
                         ::testing::Values(Implementation{"postgres", NewPostgresStore}));

TEST_P(ContentContract, KeepsAnArtifactByteForByte) {
  const SealedArtifact artifact = Artifact("sha256:a");
  ASSERT_OK_AND_ASSIGN(const absl::Time create_time, store().PutArtifact(artifact, kForever));
  EXPECT_EQ(create_time, kStart);
  const auto found = store().GetArtifact("sha256:a", kForever);
  ASSERT_OK(found);
  EXPECT_EQ(found->digest, artifact.digest);
  EXPECT_EQ(found->size_bytes, artifact.size_bytes);
  EXPECT_EQ(found->key_id, artifact.key_id);
  EXPECT_EQ(found->wrapped_key, artifact.wrapped_key);
  EXPECT_EQ(found->ciphertext, artifact.ciphertext);
  EXPECT_EQ(found->create_time, kStart);
  EXPECT_THAT(store().GetArtifact("sha256:b", kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(ContentContract, KeepsTheFirstOfTwoEqualArtifacts) {
  ASSERT_OK(store().PutArtifact(Artifact("sha256:a"), kForever));
  SealedArtifact again = Artifact("sha256:a", kStart + absl::Hours(1));
  again.ciphertext = "sealed under another data key";
  ASSERT_OK_AND_ASSIGN(const absl::Time create_time, store().PutArtifact(again, kForever));
  EXPECT_EQ(create_time, kStart);
  EXPECT_EQ(store().GetArtifact("sha256:a", kForever)->ciphertext, Artifact("").ciphertext);
}

TEST_P(ContentContract, GivesOneArtifactForEveryMasterKey) {
  EXPECT_TRUE(store().OneArtifactPerKey(kForever)->empty());
  int number = 0;
  for (const char* key_id : {"b", "a", "c", "b", "a"}) {
    SealedArtifact artifact = Artifact("sha256:" + std::to_string(number++));
    artifact.key_id = key_id;
    artifact.wrapped_key = std::string("\0for ", 5) + key_id;
    ASSERT_OK(store().PutArtifact(artifact, kForever));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<SealedArtifact> found, store().OneArtifactPerKey(kForever));
  std::vector<std::string> keys;
  for (const SealedArtifact& artifact : found) {
    keys.push_back(artifact.key_id);
    const auto stored = store().GetArtifact(artifact.digest, kForever);
    ASSERT_OK(stored);
    EXPECT_EQ(artifact.key_id, stored->key_id);
    EXPECT_EQ(artifact.wrapped_key, stored->wrapped_key);
    EXPECT_EQ(artifact.ciphertext, "");
  }
  EXPECT_THAT(keys, ElementsAre("a", "b", "c"));
}

TEST_P(ContentContract, TellsSizesInTheOrderAskedAndNamesTheFirstMissing) {
  for (int i = 1; i <= 3; ++i) {
    SealedArtifact artifact = Artifact("sha256:" + std::to_string(i));
    artifact.size_bytes = 100 * i;
    ASSERT_OK(store().PutArtifact(artifact, kForever));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> sizes,
                       (store().ArtifactSizes({"sha256:3", "sha256:1", "sha256:3"}, kForever)));
  EXPECT_THAT(sizes, ElementsAre(300, 100, 300));
  EXPECT_TRUE(store().ArtifactSizes({}, kForever)->empty());
  const auto missing = store().ArtifactSizes({"sha256:1", "sha256:8", "sha256:9"}, kForever);
  EXPECT_THAT(missing, HasReason(v1::NOT_FOUND));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("sha256:8"));
}

TEST_P(ContentContract, StartsWithoutDocuments) {
  ASSERT_OK_AND_ASSIGN(const int64_t version, store().ConfigurationVersion(kForever));
  EXPECT_EQ(version, 0);
  const auto loaded = store().LoadDocuments(kForever);
  ASSERT_OK(loaded);
  EXPECT_EQ(loaded->first, 0);
  EXPECT_TRUE(loaded->second.empty());
  EXPECT_THAT(store().GetDocument("policy", 0, kForever), HasReason(v1::NOT_FOUND));
}

TEST_P(ContentContract, VersionsDocumentsTogether) {
  const std::string content = "a: \"b\\c\", {d}\n'ü'\nNULL";
  ASSERT_OK_AND_ASSIGN(const int64_t first,
                       (Apply(0, {{"policy", "p1", "sha256:p1"}, {"targets/a", content, "sha256:a"}}, "r1")));
  ASSERT_OK_AND_ASSIGN(const int64_t second, (Apply(first, {{"policy", "p2", "sha256:p2"}}, "r2")));
  EXPECT_GT(second, first);
  EXPECT_EQ(*store().ConfigurationVersion(kForever), second);
  const auto loaded = store().LoadDocuments(kForever);
  ASSERT_OK(loaded);
  EXPECT_EQ(loaded->first, second);
  ASSERT_EQ(loaded->second.size(), 2u);
  EXPECT_EQ(loaded->second[0].name(), "policy");
  EXPECT_EQ(loaded->second[0].content(), "p2");
  EXPECT_EQ(loaded->second[0].version(), second);
  EXPECT_EQ(loaded->second[1].content(), content);
  EXPECT_EQ(loaded->second[1].version(), first);
  EXPECT_EQ(loaded->second[1].applied_by(), "spiffe://example.org/human/alice");
  EXPECT_EQ(loaded->second[1].digest(), "sha256:a");
}

TEST_P(ContentContract, FindsEveryVersionOfADocument) {
  int64_t version = 0;
  for (int i = 1; i <= 4; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_OK_AND_ASSIGN(version,
                         (Apply(version, {{"policy", "p" + number, "sha256:" + number}}, "r" + number)));
  }
  EXPECT_EQ(store().GetDocument("policy", 0, kForever)->content(), "p4");
  EXPECT_EQ(store().GetDocument("policy", 2, kForever)->content(), "p2");
  EXPECT_THAT(store().GetDocument("policy", 9, kForever), HasReason(v1::NOT_FOUND));
  const auto versions = store().ListDocumentVersions("policy", 3, kForever);
  ASSERT_OK(versions);
  ASSERT_EQ(versions->size(), 3u);
  EXPECT_EQ(versions->at(0).digest(), "sha256:4");
  EXPECT_EQ(versions->at(2).digest(), "sha256:2");
  EXPECT_EQ(versions->at(0).content(), "");
  EXPECT_TRUE(store().ListDocumentVersions("nothing", 3, kForever)->empty());
}

TEST_P(ContentContract, AppliesOnlyToTheConfigurationThatWasSeen) {
  ASSERT_OK(Apply(0, {{"policy", "p1", "sha256:1"}}, "r1"));
  ExpectNothingWritten([&] {
    EXPECT_THAT(Apply(0, {{"policy", "p2", "sha256:2"}}, "r2"), HasReason(v1::CONCURRENT_UPDATE));
    EXPECT_THAT(Apply(7, {{"policy", "p2", "sha256:2"}}, "r2"), HasReason(v1::CONCURRENT_UPDATE));
    EXPECT_THAT(Apply(1, {{"policy", "p2", "sha256:2"}}, "r1"), HasReason(v1::CONCURRENT_UPDATE));
  });
  EXPECT_THAT(store().FindRequest(Request("").principal, "r2", kForever), HasReason(v1::NOT_FOUND));
  EXPECT_OK(store().FindRequest(Request("").principal, "r1", kForever));
}

TEST_P(ContentContract, AuditsAnApplicationWithoutAProposal) {
  ASSERT_OK(Apply(0, {{"policy", "p1", "sha256:1"}}, "r1"));
  const std::vector<v1::AuditEvent> events = Events();
  ASSERT_EQ(events.size(), 1u);
  v1::AuditEvent expected = Applied();
  expected.set_id(events[0].id());
  EXPECT_EQ(events[0].DebugString(), expected.DebugString());
}

TEST_P(ContentContract, OneOfManyApplicationsToTheSameVersionWins) {
  std::atomic<int> applied = 0;
  AtOnce(8, [&](int i) {
    const std::string number = std::to_string(i);
    applied += Apply(0, {{"policy", number, "sha256:" + number}}, "r" + number).ok() ? 1 : 0;
  });
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(*store().ConfigurationVersion(kForever), 1);
  EXPECT_EQ(Events().size(), 1u);
}

}  // namespace
}  // namespace countersign::storage
