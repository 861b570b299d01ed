#include "tests/unit/terraform/plan_builder.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "core/terraform/address.h"
#include "core/text/text.h"
#include "tests/unit/terraform/zip_builder.h"

namespace countersign::testing {
namespace {

using nlohmann::json;
using terraform::plan_file::Plan;

constexpr const char* kProvider = R"(provider["registry.terraform.io/hashicorp/aws"])";

std::string ReadFile(std::string_view name) {
  std::ifstream file(text::Concat(COUNTERSIGN_TEST_PLANS, "/", name), std::ios::binary);
  if (!file.good()) throw std::runtime_error("no such file in testdata");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename Paths>
void AddPaths(const std::vector<Steps>& all, Paths* paths) {
  for (const Steps& steps : all) {
    terraform::plan_file::Path* const path = paths->Add();
    for (const json& step : steps) {
      if (step.is_string()) {
        path->add_steps()->set_attribute_name(step.get<std::string>());
      } else {
        path->add_steps()->mutable_element_key()->set_msgpack(Encode(step));
      }
    }
  }
}

void AddChange(const PlannedObject& object, Plan* plan) {
  terraform::plan_file::ResourceInstanceChange* const change = plan->add_resource_changes();
  change->set_addr(object.address);
  change->set_deposed_key(object.deposed);
  change->set_provider(kProvider);
  change->mutable_change()->set_action(object.action);
  const bool creates = object.action == terraform::kActionCreate;
  const bool ends = object.action == terraform::kActionDelete || object.action == terraform::kActionForget ||
                    object.action == terraform::kActionNoOp;
  if (!creates) change->mutable_change()->add_values()->set_msgpack(Encode(object.before));
  if (!ends) change->mutable_change()->add_values()->set_msgpack(Encode(object.after));
  AddPaths(object.before_sensitive, change->mutable_change()->mutable_before_sensitive_paths());
  AddPaths(object.after_sensitive, change->mutable_change()->mutable_after_sensitive_paths());
}

json StatePaths(const std::vector<Steps>& all) {
  json paths = json::array();
  for (const Steps& steps : all) {
    json path = json::array();
    for (const json& step : steps) {
      if (step.is_string()) {
        path.push_back({{"type", "get_attr"}, {"value", step}});
      } else {
        path.push_back({{"type", "index"}, {"value", {{"value", step}, {"type", "number"}}}});
      }
    }
    paths.push_back(path);
  }
  return paths;
}

json StateObject(const PlannedObject& object, const std::vector<Steps>& sensitive) {
  const auto address = terraform::ParseAddress(object.address);
  if (!address.ok()) throw std::runtime_error("no address");
  json instance = {
      {"schema_version", 0}, {"attributes", object.before}, {"sensitive_attributes", StatePaths(sensitive)}};
  if (!object.deposed.empty()) instance["deposed"] = object.deposed;
  if (address->index.has_value()) instance["index_key"] = std::get<int64_t>(*address->index);
  return {{"mode", "managed"},
          {"type", address->type},
          {"name", address->name},
          {"provider", kProvider},
          {"instances", json::array({instance})}};
}

// Each object is a resource of its own, which Terraform would have put together, and reads all the same.
std::string State(const std::vector<PlannedObject>& objects, bool previous) {
  json resources = json::array();
  for (const PlannedObject& object : objects) {
    if (object.before.is_null() || !object.in_state) continue;
    resources.push_back(StateObject(object, previous ? object.previous_sensitive : object.state_sensitive));
  }
  return json{{"version", 4},
              {"terraform_version", "1.11.4"},
              {"serial", previous ? 0 : 7},
              {"lineage", previous ? "" : "7023ba3d-a29d-7470-cd9c-223296787fe1"},
              {"outputs", json::object()},
              {"resources", resources},
              {"check_results", nullptr}}
      .dump();
}

}  // namespace

std::string RealPlan(std::string_view name) { return ReadFile(text::Concat(name, ".tfplan")); }

json ShownPlan(std::string_view name) { return json::parse(ReadFile(text::Concat(name, ".json"))); }

std::string EditPlan(std::string_view bytes, const std::function<void(Plan*)>& edit) {
  Zip zip = ReadZip(bytes);
  Plan plan;
  if (!plan.ParseFromString(zip.Content("tfplan"))) throw std::runtime_error("no plan");
  edit(&plan);
  zip.Set("tfplan", plan.SerializeAsString());
  return zip.Bytes();
}

std::string EditState(std::string_view bytes, std::string_view entry,
                      const std::function<void(json*)>& edit) {
  Zip zip = ReadZip(bytes);
  json state = json::parse(zip.Content(std::string(entry)));
  edit(&state);
  zip.Set(std::string(entry), state.dump());
  return zip.Bytes();
}

std::string EditState(std::string_view bytes, const std::function<void(json*)>& edit) {
  return EditState(EditState(bytes, "tfstate", edit), "tfstate-prev", edit);
}

std::string EditEntry(std::string_view bytes, std::string_view name, std::string_view content) {
  Zip zip = ReadZip(bytes);
  zip.Set(name, content);
  return zip.Bytes();
}

std::string Encode(const json& value) {
  const std::vector<uint8_t> bytes = json::to_msgpack(value);
  return {bytes.begin(), bytes.end()};
}

// An extension of type 0 with one byte that says nothing.
json Unknown() { return json::binary({0}, 0); }

std::string SmallPlan::Bytes() const {
  Plan plan;
  plan.set_version(3);
  plan.set_terraform_version("1.11.4");
  plan.set_timestamp("2026-11-21T06:52:52Z");
  plan.set_applyable(true);
  plan.set_complete(true);
  plan.mutable_backend()->set_type("local");
  plan.mutable_backend()->set_workspace("default");
  plan.mutable_backend()->mutable_config()->set_msgpack(
      Encode({{"path", nullptr}, {"workspace_dir", nullptr}}));
  for (const PlannedObject& object : objects) AddChange(object, &plan);
  edit(&plan);

  Zip zip = SmallestPlan();
  zip.Set("tfplan", plan.SerializeAsString());
  zip.Set("tfstate", State(objects, false));
  zip.Set("tfstate-prev", State(objects, true));
  for (ZipMember& member : zip.members) {
    if (member.directory.name.starts_with("tfconfig/m-")) zip.Set(member.directory.name, configuration);
  }
  zip.Set("tfconfig/modules.json", R"([{"Key":"","Source":"","Version":"","Dir":"."}])");
  zip.Set(".terraform.lock.hcl", "# This file is maintained automatically by \"terraform init\".\n");
  return zip.Bytes();
}

}  // namespace countersign::testing
