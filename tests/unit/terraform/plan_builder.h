// Saved plans for tests: from real ones, changed, and from nothing but what a test says.
#ifndef COUNTERSIGN_TESTS_UNIT_TERRAFORM_PLAN_BUILDER_H_
#define COUNTERSIGN_TESTS_UNIT_TERRAFORM_PLAN_BUILDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/terraform/plan_file.h"

namespace countersign::testing {

// The bytes of testdata/{name}.tfplan, and what `terraform show -json` says about it.
std::string RealPlan(std::string_view name);
nlohmann::json ShownPlan(std::string_view name);

// The plan with its message changed.
std::string EditPlan(std::string_view bytes, const std::function<void(terraform::plan_file::Plan*)>& edit);
// The plan with the JSON of its state changed, in both copies of it.
std::string EditState(std::string_view bytes, const std::function<void(nlohmann::json*)>& edit);
// The same in one copy of it: tfstate is the state after it was refreshed, tfstate-prev the one before.
std::string EditState(std::string_view bytes, std::string_view entry,
                      const std::function<void(nlohmann::json*)>& edit);
// The plan with another content of an entry.
std::string EditEntry(std::string_view bytes, std::string_view name, std::string_view content);

// As plans encode values. Unknown() stands in JSON for what is known only after apply.
std::string Encode(const nlohmann::json& value);
nlohmann::json Unknown();

// Steps are names and numbers: {"ingress", 0, "password"}.
using Steps = std::vector<nlohmann::json>;

// One object that a plan is about.
struct PlannedObject {
  std::string address = "aws_db_instance.a";  // In the root module, with a number as the index or none.
  int32_t action = 0;
  nlohmann::json before = nullptr;  // Null where there is none.
  nlohmann::json after = nullptr;
  std::vector<Steps> before_sensitive = {};
  std::vector<Steps> after_sensitive = {};
  std::vector<Steps> state_sensitive = {};
  std::vector<Steps> previous_sensitive = {};
  std::string deposed = {};
  bool in_state = true;  // What is before stands in the state too.
};

// A plan that terraform could have written for the objects, with a state and a configuration.
struct SmallPlan {
  std::vector<PlannedObject> objects = {};
  std::string configuration = "# nothing\n";
  std::function<void(terraform::plan_file::Plan*)> edit = [](terraform::plan_file::Plan*) {};

  std::string Bytes() const;
};

}  // namespace countersign::testing

#endif  // COUNTERSIGN_TESTS_UNIT_TERRAFORM_PLAN_BUILDER_H_
