// terraform-plan-editor IN OUT EDIT...: what somebody with a saved plan in their hands can do to it.
//   serial=N         another serial in its state
//   hide=ADDRESS     everything of this resource marked sensitive
//   entry=NAME:FILE  what is in the file as the content of this entry
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/unit/terraform/plan_builder.h"

namespace {

using countersign::terraform::plan_file::Plan;

void Hide(const std::string& address, Plan* plan) {
  for (auto& change : *plan->mutable_resource_changes()) {
    if (change.addr() != address) continue;
    // The empty path means all of it.
    change.mutable_change()->add_before_sensitive_paths();
    if (change.change().values_size() > 1) change.mutable_change()->add_after_sensitive_paths();
  }
}

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fputs("usage: terraform-plan-editor IN OUT serial=N|hide=ADDRESS|entry=NAME:FILE...\n", stderr);
    return 2;
  }
  std::string bytes = ReadAll(arguments[1]);
  for (int i = 3; i < count; ++i) {
    const std::string edit = arguments[i];
    const std::string value = edit.substr(edit.find('=') + 1);
    if (edit.starts_with("serial=")) {
      bytes = countersign::testing::EditState(
          bytes, [&](nlohmann::json* state) { (*state)["serial"] = std::stoull(value); });
    } else if (edit.starts_with("hide=")) {
      bytes = countersign::testing::EditPlan(bytes, [&](Plan* plan) { Hide(value, plan); });
    } else if (edit.starts_with("entry=") && value.find(':') != std::string::npos) {
      const size_t colon = value.find(':');
      bytes =
          countersign::testing::EditEntry(bytes, value.substr(0, colon), ReadAll(value.substr(colon + 1)));
    } else {
      std::fprintf(stderr, "no such edit: %s\n", edit.c_str());
      return 2;
    }
  }
  std::ofstream(arguments[2], std::ios::binary) << bytes;
  return 0;
}
