// Stands in for countersign-planread, and misbehaves as its own name says.
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "server/planread/confinement.h"
#include "server/planread/protocol.h"

namespace {

using countersign::planread::Confine;

void Say(const std::string& text) { (void)!write(STDOUT_FILENO, text.data(), text.size()); }

// Each ends by itself when nothing stops it, with a status that says so.
constexpr int kNothingStoppedIt = 9;

void OpenFile() { (void)open("/etc/hostname", O_RDONLY); }
void WriteFile() { (void)open("/tmp/countersign-probe", O_WRONLY | O_CREAT, 0600); }
void Connect() { (void)socket(AF_INET, SOCK_STREAM, 0); }
void ConnectLocally() { (void)socket(AF_UNIX, SOCK_STREAM, 0); }
void Fork() { (void)fork(); }
void Execute() { (void)execl("/bin/true", "true", nullptr); }
void KillParent() { (void)kill(getppid(), 0); }
void MakeCode() {
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
void MapCode() { (void)mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
void Trace() { (void)syscall(101 /* ptrace */, 0, 0, 0, 0); }
void ReadElsewhere() {
  char byte = 0;
  (void)!read(STDERR_FILENO, &byte, 1);
}
void Await() {
  Say("confined\n");
  char byte = 0;
  (void)!read(STDIN_FILENO, &byte, 1);
}
// Waits for input that never ends.
void Hang() {
  for (;;) pause();
}
void TakeMemory() {
  std::vector<char*> pieces;
  for (;;) {
    char* const piece = new (std::nothrow) char[1 << 24];
    if (piece == nullptr) _exit(countersign::planread::kRefused);
    memset(piece, 1, 1 << 24);
    pieces.push_back(piece);
  }
}
void TakeTime() {
  for (;;) (void)getpid();
}
void Flood() {
  const std::string text(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) Say(text);
}
void Garbage() { Say("\xff\xff\xff\xff this is no message"); }
void Abort() { abort(); }
void HostileRefusal() {
  Say("\033[2Jall is \nwell");
  _exit(countersign::planread::kRefused);
}
void NotConfined() { _exit(countersign::planread::kNotConfined); }

const std::map<std::string, void (*)()>& Deeds() {
  static const std::map<std::string, void (*)()> deeds = {{"open_file", OpenFile},
                                                          {"write_file", WriteFile},
                                                          {"connect", Connect},
                                                          {"connect_locally", ConnectLocally},
                                                          {"fork", Fork},
                                                          {"execute", Execute},
                                                          {"kill_parent", KillParent},
                                                          {"make_code", MakeCode},
                                                          {"map_code", MapCode},
                                                          {"trace", Trace},
                                                          {"read_elsewhere", ReadElsewhere},
                                                          {"await", Await},
                                                          {"take_memory", TakeMemory},
                                                          {"take_time", TakeTime}};
  return deeds;
}

const std::map<std::string, void (*)()>& Unconfined() {
  static const std::map<std::string, void (*)()> deeds = {{"hang", Hang},
                                                          {"flood", Flood},
                                                          {"garbage", Garbage},
                                                          {"abort", Abort},
                                                          {"hostile_refusal", HostileRefusal},
                                                          {"not_confined", NotConfined}};
  return deeds;
}

}  // namespace

int main(int, char** argv) {
  const std::string name = argv[0];
  const std::string deed = name.substr(name.rfind('/') + 1);
  if (const auto found = Unconfined().find(deed); found != Unconfined().end()) {
    found->second();
    return 0;
  }
  const auto found = Deeds().find(deed);
  if (found == Deeds().end() || !Confine({.memory_bytes = size_t{256} << 20, .cpu_seconds = 1})) return 8;
  found->second();
  _exit(kNothingStoppedIt);
}
