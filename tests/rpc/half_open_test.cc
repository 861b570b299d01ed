// Connections whose other end says nothing, or is not there any more.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "tests/rpc/server_fixture.h"
#include "tests/support/tcp_gate.h"

namespace countersign::rpc {
namespace {

// A connection that has sent `bytes`, and sends nothing more.
class SilentConnection {
 public:
  SilentConnection(int port, std::string_view bytes) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  ~SilentConnection() { close(socket_); }
  SilentConnection(const SilentConnection&) = delete;
  SilentConnection& operator=(const SilentConnection&) = delete;

  // Waits for the other end to close it, for less than gRPC gives handshakes by default.
  void ExpectEnd() {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char byte = 0;
    ssize_t size = 0;
    while ((size = recv(socket_, &byte, 1, 0)) > 0) {
    }
    EXPECT_TRUE(size == 0 || errno == ECONNRESET) << strerror(errno);
  }

 private:
  const int socket_;
};

// The beginning of a TLS record with a ClientHello, the rest of which never comes.
constexpr std::string_view kHalfAHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

class HalfOpenTest : public ServerFixture {
 protected:
  grpc::Status Ask() {
    v1::Caller caller;
    return v1::ConfigService::NewStub(Connect(kAlice))->GetCaller(Within().get(), {}, &caller);
  }
};

// Many who are silent before they have shown a certificate: others get in beside them, and they are sent
// away.
TEST_F(HalfOpenTest, HandshakesThatNeverEndKeepNobodyOut) {
  options_.handshake_timeout = std::chrono::milliseconds(500);
  StartServer();
  std::vector<std::unique_ptr<SilentConnection>> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(std::make_unique<SilentConnection>(server_->port(), i % 2 == 0 ? "" : kHalfAHello));
  }
  EXPECT_TRUE(Ask().ok());
  for (const auto& connection : silent) connection->ExpectEnd();
  EXPECT_TRUE(Ask().ok());
}

// A waiter whose machine has gone without a word gives its place back.
TEST_F(HalfOpenTest, AWaiterThatIsGoneIsNotWaitedFor) {
  options_.ping = std::chrono::milliseconds(200);
  options_.ping_timeout = std::chrono::milliseconds(200);
  StartServer();
  const v1::Proposal proposal = MustCreate();
  testing::TcpGate gate(server_->port());
  const testing::Certificate agent = ca_.IssueClient(kAgent);
  const auto channel = grpc::CreateChannel("localhost:" + std::to_string(gate.port()),
                                           grpc::SslCredentials({.pem_root_certs = ca_.pem(),
                                                                 .pem_private_key = agent.key_pem,
                                                                 .pem_cert_chain = agent.certificate_pem}));
  const auto context = Within();
  std::thread waiter([&] {
    v1::WaitProposalRequest request;
    request.set_name(proposal.name());
    v1::Proposal answer;
    EXPECT_FALSE(v1::ProposalService::NewStub(channel)->WaitProposal(context.get(), request, &answer).ok());
  });
  EXPECT_TRUE(Eventually([&] { return hub_->waiting() == 1; }));
  gate.Drop();
  EXPECT_TRUE(Eventually([&] { return hub_->waiting() == 0; }));
  EXPECT_TRUE(Ask().ok());
  context->TryCancel();
  waiter.join();
}

}  // namespace
}  // namespace countersign::rpc
