// What all verbs share: the connection, the output format, names of proposals, questions and errors.
#ifndef COUNTERSIGN_CLIENT_CLI_SESSION_H_
#define COUNTERSIGN_CLIENT_CLI_SESSION_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/world.h"
#include "countersign/client.h"
#include "countersign/connect.h"

namespace countersign::cli {

// How a text looks where colour is shown.
enum class Tone { kPlain, kStrong, kGood, kCareful, kBad };

struct GlobalOptions {
  std::string profile;
  std::string config_file;
  std::string output = "text";  // Or json.
};

// One run of the command line. Not thread-safe; the client that it gives out is. Borrows the world.
class Session {
 public:
  Session(World& world, std::vector<std::string> command) : world_(world), command_(std::move(command)) {}

  World& world() { return world_; }
  std::ostream& out() { return world_.out; }
  std::ostream& err() { return world_.err; }
  Environment& environment() { return world_.environment; }
  GlobalOptions& options() { return options_; }
  bool json() const { return options_.output == "json"; }
  // What stood behind "--".
  const std::vector<std::string>& command() const { return command_; }

  // Both are read, or made, once.
  absl::StatusOr<Profile> profile();
  absl::StatusOr<Client*> client();

  // The name of the proposal that `id` means: a name, an id, or the beginning of exactly one id.
  absl::StatusOr<std::string> ResolveName(const std::string& id);
  // Client, name and proposal at once.
  absl::StatusOr<v1::Proposal> Find(const std::string& id);

  // How wide a line may be so that the terminal does not wrap it.
  size_t columns() const;

  // One JSON document; on one line where many follow each other.
  absl::Status PrintJson(const google::protobuf::Message& message, bool one_line = false);
  // On a terminal and without NO_COLOR: in bold or in colour. Escapes.
  std::string Painted(std::string_view text, Tone tone) const;
  std::string Colored(v1::Proposal::State state) const;

  // OK once a human at the terminal typed `expected`. FAILED_PRECONDITION otherwise; where there is no
  // terminal it says `otherwise`: what to do then.
  absl::Status Confirm(const std::string& question, const std::string& otherwise,
                       const std::string& expected = "yes");
  // A line that replaces itself, for people who wait. Nothing where standard error is no terminal.
  void ShowProgress(std::string_view text);
  void EndProgress();

  // Says what went wrong and what to do next; returns the exit code.
  int Fail(const absl::Status& status);

 private:
  bool colored() const;

  World& world_;
  const std::vector<std::string> command_;
  GlobalOptions options_;
  std::unique_ptr<Profile> profile_;
  std::unique_ptr<Client> client_;
  bool progress_shown_ = false;
};

// For calls that somebody sits and waits for: long enough for a broker that restarts, not longer.
inline CallOptions InteractiveCall() { return {.timeout = absl::Seconds(15)}; }

// targets/NAME, also where only NAME was given.
std::string TargetName(const std::string& target);
// The id in proposals/{id}.
std::string IdOf(const v1::Proposal& proposal);
// "agent/bot" of spiffe://example.org/agent/bot.
std::string ShortPrincipal(const std::string& principal);
// A duration such as 90s, 10m or 1h30m. A usage error otherwise.
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);
// Protobuf's JSON.
absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message, bool one_line = false);
// The bytes of a file, or of standard input for "-", at most `limit`.
absl::StatusOr<std::string> ReadInput(World& world, const std::string& path, size_t limit);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_SESSION_H_
