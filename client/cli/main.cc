#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "client/cli/app.h"

namespace {

// Where one of the standard descriptors is closed, the next file or connection opened would take its place,
// and be read and written as if it were the standard one.
void OpenStandardDescriptors() {
  int descriptor = open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
  if (descriptor >= 0) close(descriptor);
}

// Of the terminal that people look at; 80 when there is none or it does not say.
size_t TerminalColumns() {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
    winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

}  // namespace

int main(int argc, char** argv) {
  OpenStandardDescriptors();
  setenv("GRPC_VERBOSITY", "NONE", 0);  // Its log is for developers; what failed is said by us.
  std::signal(SIGPIPE, SIG_IGN);        // A reader that went away is an error of the write, not our end.
  countersign::cli::ControllingTerminal terminal;
  countersign::cli::World world{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .columns = TerminalColumns(),
      .terminal = terminal,
      .environment = countersign::RealEnvironment(),
      .connect = countersign::Connect,
      .variable = [](const char* name) -> const char* { return std::getenv(name); }};
  return countersign::cli::RunCommandLine({argv + 1, argv + argc}, world);
}
