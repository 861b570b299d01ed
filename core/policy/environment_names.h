// Which environment variables change what a program does as much as another program would.
#ifndef COUNTERSIGN_CORE_POLICY_ENVIRONMENT_NAMES_H_
#define COUNTERSIGN_CORE_POLICY_ENVIRONMENT_NAMES_H_

#include <string_view>

namespace countersign::policy {

// Whether a variable of this name makes the loader, a shell or an interpreter take in other code than the
// command line says. Nobody sets these for what was approved, not even the runner.
bool LoadsCode(std::string_view name);

// LoadsCode(), or the variable names a pager, an editor, a helper or more arguments, leads to a configuration
// that can do so, or moves what is trusted: GIT_SSH_COMMAND, HOME, KUBECONFIG, SSL_CERT_FILE, https_proxy.
// The broker refuses all of these in a proposal, because people decide on the command that they read. A
// runner may let its own through, by name.
bool ChangesWhatRuns(std::string_view name);

}  // namespace countersign::policy

#endif  // COUNTERSIGN_CORE_POLICY_ENVIRONMENT_NAMES_H_
