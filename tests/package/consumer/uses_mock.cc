#include <countersign/error.h>
#include <countersign/mocks/mock_client.h>
#include <gtest/gtest.h>

TEST(ConsumerTest, TestsItsOwnProgramAgainstTheMock) {
  countersign::MockClient client;
  countersign::v1::Proposal approved;
  approved.set_state(countersign::v1::Proposal::APPROVED);
  EXPECT_CALL(client, Wait("proposals/one", testing::_)).WillOnce(testing::Return(approved));
  const auto proposal = client.Wait("proposals/one", {});
  ASSERT_TRUE(proposal.ok());
  EXPECT_EQ(proposal->state(), countersign::v1::Proposal::APPROVED);
  EXPECT_EQ(countersign::ReasonOf(proposal.status()), countersign::v1::REASON_UNSPECIFIED);
}
