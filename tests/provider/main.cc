// A Terraform provider for tests. It answers to registry.terraform.io/hashicorp/aws, and what it manages is
// on this machine: databases of a PostgreSQL server, and files.
//
//   provider "aws" {
//     region            = "eu-west-1"           # else AWS_REGION
//     endpoint          = "postgresql://…"      # else AWS_ENDPOINT_URL; none: databases are rows only
//     directory         = "/somewhere/rows"     # else AWS_DATA_DIRECTORY; one of the two is needed
//     backups_directory = "/somewhere/backups"  # else AWS_BACKUPS_DIRECTORY, else backups in the former
//   }
#include <grpcpp/grpcpp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "tests/provider/plugin_controller.grpc.pb.h"
#include "tests/provider/service.h"

namespace {

constexpr char kCookieName[] = "TF_PLUGIN_MAGIC_COOKIE";
constexpr char kCookie[] = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

std::string Environment(const char* name, const char* otherwise = "") {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class Controller final : public plugin::GRPCController::Service {
 public:
  explicit Controller(int stop_fd) : stop_fd_(stop_fd) {}

  grpc::Status Shutdown(grpc::ServerContext*, const plugin::Empty*, plugin::Empty*) override {
    const uint64_t one = 1;
    (void)!write(stop_fd_, &one, sizeof one);
    return grpc::Status::OK;
  }

 private:
  const int stop_fd_;
};

// Until Terraform says so, or is no more: a provider must not outlive a Terraform that was killed.
void WaitForTheEnd(int stop_fd, int parent) {
  pollfd ends[] = {{stop_fd, POLLIN, 0}, {parent, POLLIN, 0}};
  while (poll(ends, 2, -1) < 0) {
  }
}

int Serve(const std::string& socket_path) {
  // Before anybody is told that this runs: afterwards the parent may be another.
  const int parent = static_cast<int>(syscall(SYS_pidfd_open, getppid(), 0));
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  countersign::provider::Service provider({
      .region = Environment("AWS_REGION", "eu-west-1"),
      .endpoint = Environment("AWS_ENDPOINT_URL"),
      .directory = Environment("AWS_DATA_DIRECTORY"),
      .backups_directory = Environment("AWS_BACKUPS_DIRECTORY"),
  });
  Controller controller(stop_fd);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&provider);
  builder.RegisterService(&controller);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "cannot listen on %s\n", socket_path.c_str());
    return 1;
  }
  // The one line on standard output, ever.
  std::printf("1|5|unix|%s|grpc|\n", socket_path.c_str());
  std::fflush(stdout);
  WaitForTheEnd(stop_fd, parent);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
  return 0;
}

}  // namespace

int main() {
  if (Environment(kCookieName) != kCookie) {
    std::fprintf(stderr, "This program is a plugin: Terraform starts it, people do not.\n");
    return 1;
  }
  std::signal(SIGINT, SIG_IGN);  // A terminal sends it to everyone; Terraform decides when we end.
  // Not under TMPDIR: the path of a socket may have 107 bytes only.
  std::string directory = "/tmp/terraform-provider-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::fprintf(stderr, "cannot make %s: %s\n", directory.c_str(), std::strerror(errno));
    return 1;
  }
  const std::string socket_path = directory + "/socket";
  const int code = Serve(socket_path);
  unlink(socket_path.c_str());
  rmdir(directory.c_str());
  return code;
}
