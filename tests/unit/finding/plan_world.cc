#include "tests/unit/finding/plan_world.h"

#include <algorithm>

namespace countersign::finding {
namespace {

// The type and the name, without the modules before them.
std::pair<std::string, std::string> TypeAndName(const std::string& address) {
  const size_t dot = address.rfind('.');
  const size_t before = address.rfind('.', dot - 1);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::string name = address.substr(dot + 1);
  return {address.substr(begin, dot - begin), name.substr(0, name.find('['))};
}

void AddResource(const std::string& address, const std::string& id, v1::PlanState* state) {
  v1::StateResource* resource = state->add_resources();
  resource->set_address(address);
  resource->set_type(TypeAndName(address).first);
  resource->set_id(id);
  state->set_resource_count(state->resources_size());
}

void FillConfiguration(v1::PlanConfiguration* configuration) {
  configuration->set_digest("sha256:configuration");
  configuration->set_lock_file_digest("sha256:lock");
  v1::ConfigurationFile* file = configuration->add_files();
  file->set_path("tfconfig/m-/main.tf");
  file->set_digest("sha256:main");
  v1::ProviderLock* provider = configuration->add_providers();
  provider->set_source("registry.terraform.io/hashicorp/aws");
  provider->set_version("5.1.0");
  provider->add_hashes("h1:one");
  v1::ModuleCall* module = configuration->add_modules();
  module->set_key("network");
  module->set_source("./network");
  v1::CodeBlock* block = configuration->add_code_blocks();
  block->set_kind("provider");
  block->set_file("main.tf");
  block->set_what("provider \"aws\"");
  block->set_detail("sha256:provider");
}

}  // namespace

PlanWorld::PlanWorld() {
  context.memory = &memory;
  context.environment = "production";
  context.engine = "terraform";
  context.now = absl::FromUnixSeconds(1'800'000'000);
  memory.set_target("targets/prod");
  memory.set_version(3);
  for (v1::PlanState* state : {plan.mutable_state(), memory.mutable_state()}) {
    state->set_lineage("lineage-1");
    state->set_serial(6);
    state->set_content_digest("sha256:content");
  }
  for (v1::Backend* backend : {plan.mutable_backend(), memory.mutable_backend()}) {
    backend->set_type("s3");
    backend->set_workspace("default");
    backend->set_settings_digest("sha256:settings");
  }
  FillConfiguration(plan.mutable_configuration());
  FillConfiguration(memory.mutable_configuration());
  plan.set_engine("terraform");
  plan.set_mode(v1::NORMAL);
  plan.set_declared_mode("normal");
  plan.set_applyable(true);
  plan.set_complete(true);
  plan.mutable_timestamp()->set_seconds(absl::ToUnixSeconds(context.now) - 60);
  // Enough of them that deleting two is not deleting a large part.
  for (int i = 0; i < 20; ++i) Add("aws_route_table.r" + std::to_string(i), {"no-op"});
}

v1::ResourceChange* PlanWorld::Add(const std::string& address, const std::vector<std::string>& actions,
                                   const std::string& name) {
  v1::ResourceChange* change = plan.add_resource_changes();
  const auto [type, label] = TypeAndName(address);
  change->set_address(address);
  change->set_mode("managed");
  change->set_type(type);
  change->set_name(label);
  change->set_provider_name("registry.terraform.io/hashicorp/" + type.substr(0, type.find('_')));
  const size_t module = address.find(type + "." + label);
  if (module > 0) change->set_module_address(address.substr(0, module - 1));
  for (const std::string& action : actions) change->add_actions(action);
  if (!name.empty()) (*change->mutable_identifiers())["identifier"] = name;
  if (actions != std::vector<std::string>{"create"}) {
    AddToState(address, name);
    AddToMemory(address, name);
  }
  return change;
}

void PlanWorld::AddToState(const std::string& address, const std::string& id) {
  AddResource(address, id, plan.mutable_state());
}

void PlanWorld::AddToMemory(const std::string& address, const std::string& id) {
  AddResource(address, id, memory.mutable_state());
}

v1::CodeBlock* PlanWorld::AddCode(const std::string& kind, const std::string& what, const std::string& detail,
                                  bool known) {
  v1::CodeBlock* block = plan.mutable_configuration()->add_code_blocks();
  block->set_kind(kind);
  block->set_file("main.tf");
  block->set_line(7);
  block->set_what(what);
  block->set_detail(detail);
  if (known) *memory.mutable_configuration()->add_code_blocks() = *block;
  return block;
}

std::vector<v1::Finding> PlanWorld::Judge() const { return JudgePlan(plan, context); }

const v1::Finding* PlanWorld::Find(const std::string& code) {
  findings_ = Judge();
  const auto at = std::find_if(findings_.begin(), findings_.end(),
                               [&code](const v1::Finding& finding) { return finding.code() == code; });
  return at == findings_.end() ? nullptr : &*at;
}

std::string PlanWorld::Verdict() const { return VerdictLine(plan, Judge(), context.memory); }

v1::AttributeChange* Set(v1::ResourceChange* change, const std::string& path, const std::string& before,
                         const std::string& after) {
  v1::AttributeChange* attribute = change->add_attribute_changes();
  attribute->set_path(path);
  attribute->set_before_json(before);
  attribute->set_after_json(after);
  return attribute;
}

std::vector<std::string> CodesOf(const std::vector<v1::Finding>& findings) {
  std::vector<std::string> codes;
  for (const v1::Finding& finding : findings) codes.push_back(finding.code());
  return codes;
}

}  // namespace countersign::finding
