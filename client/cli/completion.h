#ifndef COUNTERSIGN_CLIENT_CLI_COMPLETION_H_
#define COUNTERSIGN_CLIENT_CLI_COMPLETION_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace countersign::cli {

// Scripts that complete verbs and options, made from the parser itself, so they know what it knows.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

}  // namespace countersign::cli

#endif  // COUNTERSIGN_CLIENT_CLI_COMPLETION_H_
