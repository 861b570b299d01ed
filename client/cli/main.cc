#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "client/cli/app.h"

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);  // Its log is for developers; what failed is said by us.
  std::signal(SIGPIPE, SIG_IGN);        // A reader that went away is an error of the write, not our end.
  countersign::cli::ControllingTerminal terminal;
  countersign::cli::World world{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .out_is_terminal = isatty(STDOUT_FILENO) == 1,
      .err_is_terminal = isatty(STDERR_FILENO) == 1,
      .terminal = terminal,
      .environment = countersign::RealEnvironment(),
      .connect = countersign::Connect,
      .variable = [](const char* name) -> const char* { return std::getenv(name); }};
  return countersign::cli::RunCommandLine({argv + 1, argv + argc}, world);
}
