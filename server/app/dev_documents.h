#ifndef COUNTERSIGN_SERVER_APP_DEV_DOCUMENTS_H_
#define COUNTERSIGN_SERVER_APP_DEV_DOCUMENTS_H_

#include <string>
#include <vector>

namespace countersign::app {

// Somebody who may call the broker of `countersignd dev`.
struct DevIdentity {
  const char* name;
  const char* principal;
  const char* role;
};
const std::vector<DevIdentity>& DevIdentities();

struct DevDocument {
  const char* file_name;
  const char* text;
};
// The configuration it starts with: who exists, what is asked of whom, two targets.
const std::vector<DevDocument>& DevDocuments();

}  // namespace countersign::app

#endif  // COUNTERSIGN_SERVER_APP_DEV_DOCUMENTS_H_
