#ifndef COUNTERSIGN_SERVER_APP_DEV_H_
#define COUNTERSIGN_SERVER_APP_DEV_H_

#include <string>

namespace countersign::app {

struct DevOptions {
  std::string data_directory;  // "": the default.
  // 0: the one of the last start, or a free one.
  int grpc_port = 0;
  int http_port = 0;
};

// A broker to try things with, complete with its database, its authority and four identities, all in one
// directory that survives restarts. Serves until asked to end. Returns the process's exit code.
int Dev(const DevOptions& options);

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_DEV_H_
