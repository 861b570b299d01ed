// An agent: proposes a command on a target and waits for the people who decide.
//
//   propose_and_wait targets/prod-courses "adds the index from ticket 812" psql -f fix.sql
//
// Server and credentials come from the profile or from COUNTERSIGN_* variables. Exits with 0 if it is
// approved.
#include <iostream>

#include "countersign/client.h"
#include "countersign/connect.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: propose_and_wait TARGET REASON PROGRAM [ARGUMENT]...\n";
    return 2;
  }
  const auto profile = countersign::LoadProfile();
  if (!profile.ok()) return std::cerr << profile.status() << '\n', 1;
  const auto client = countersign::Connect(profile->connect);
  if (!client.ok()) return std::cerr << client.status() << '\n', 1;

  countersign::Submission submission;
  submission.action.set_kind(countersign::v1::COMMAND);
  submission.action.set_target(argv[1]);
  submission.reason = argv[2];
  for (int i = 3; i < argc; ++i) submission.action.add_argv(argv[i]);
  const auto proposal = (*client)->Submit(submission);
  if (!proposal.ok()) return std::cerr << proposal.status() << '\n', 1;
  std::cout << proposal->name() << std::endl;

  const auto decided = (*client)->Wait(proposal->name(), {.timeout = absl::Hours(1)});
  if (!decided.ok()) return std::cerr << decided.status() << '\n', 1;  // Also when nobody decided in time.
  std::cout << countersign::v1::Proposal::State_Name(decided->state()) << '\n';
  return decided->state() == countersign::v1::Proposal::APPROVED ? 0 : 1;
}
