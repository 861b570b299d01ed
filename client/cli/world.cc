#include "client/cli/world.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

namespace countersign::cli {

absl::StatusOr<std::string> ControllingTerminal::Ask(const std::string& question) {
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return absl::UnavailableError("there is no terminal to ask on");
  tcflush(terminal, TCIFLUSH);
  std::string answer;
  bool complete = write(terminal, question.data(), question.size()) == static_cast<ssize_t>(question.size());
  for (char c = 0; complete && c != '\n'; answer += c) complete = read(terminal, &c, 1) == 1;
  close(terminal);
  if (!complete) return absl::CancelledError("the question was not answered");
  answer.pop_back();
  return answer;
}

}  // namespace countersign::cli
