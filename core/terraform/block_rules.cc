#include "core/terraform/block_rules.h"

#include <array>

namespace countersign::terraform {
namespace {

// "encryption" is OpenTofu's.
constexpr std::array<BlockRule, 38> kBlockRules = {{
    {"", "action", 2},
    {"", "check", 1},
    {"", "data", 2},
    {"", "ephemeral", 2},
    {"", "import", 0},
    {"", "locals", 0},
    {"", "module", 1},
    {"", "moved", 0},
    {"", "output", 1},
    {"", "provider", 1},
    {"", "removed", 0},
    {"", "resource", 2},
    {"", "terraform", 0},
    {"", "variable", 1},
    {"check", "data", 2},
    {"data", "connection", 0},
    {"data", "lifecycle", 0},
    {"data", "provisioner", 1},
    {"ephemeral", "connection", 0},
    {"ephemeral", "lifecycle", 0},
    {"ephemeral", "provisioner", 1},
    {"lifecycle", "action_trigger", 0},
    {"lifecycle", "postcondition", 0},
    {"lifecycle", "precondition", 0},
    {"output", "precondition", 0},
    {"provisioner", "connection", 0},
    {"removed", "connection", 0},
    {"removed", "lifecycle", 0},
    {"removed", "provisioner", 1},
    {"resource", "connection", 0},
    {"resource", "lifecycle", 0},
    {"resource", "provisioner", 1},
    {"terraform", "backend", 1},
    {"terraform", "cloud", 0},
    {"terraform", "encryption", 0},
    {"terraform", "provider_meta", 1},
    {"terraform", "required_providers", 0},
    {"terraform", "state_store", 1},
}};

}  // namespace

const BlockRule* FindBlockRule(std::string_view parent, std::string_view type) {
  for (const BlockRule& rule : kBlockRules) {
    if (rule.parent == parent && rule.type == type) return &rule;
  }
  return nullptr;
}

}  // namespace countersign::terraform
