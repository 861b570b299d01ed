#ifndef COUNTERSIGN_CORE_TERRAFORM_LIMITS_H_
#define COUNTERSIGN_CORE_TERRAFORM_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace countersign::terraform {

// How much of a saved plan is read. What is over a limit is refused, never cut; only what a view shows of
// single values is cut, which the view says. Real plans stay far below; the limits are there so that a
// hostile one costs a bounded amount of memory and time. A plain value.
struct Limits {
  size_t file_bytes = 64u << 20;
  // Of the zip container.
  size_t entries = 20'000;
  size_t entry_name_bytes = 1024;
  // Of one entry, unpacked.
  uint64_t plan_bytes = 256u << 20;
  uint64_t state_bytes = 512u << 20;
  uint64_t configuration_file_bytes = 8u << 20;
  uint64_t lock_file_bytes = 1u << 20;
  // Of all entries together, unpacked.
  uint64_t total_bytes = 1u << 30;
  // Of `tfplan`.
  size_t resource_changes = 50'000;
  size_t address_bytes = 4096;
  size_t message_depth = 32;
  size_t messages = 4'000'000;  // And repeated texts, charged before they are allocated.
  size_t path_steps = 100'000;  // Of all paths of one list of changes together.
  // Of values: in msgpack and in the states' JSON.
  size_t value_depth = 64;
  uint64_t value_nodes = 20'000'000;       // In all of a plan, charged before they are allocated.
  uint64_t value_text_bytes = 512u << 20;  // Copied texts only.
  // Of a state.
  size_t json_depth = 100;
  size_t json_gap_bytes = 64u << 20;  // From one token to the next, hence of one text.
  size_t state_resources = 200'000;   // And as many objects.
  size_t state_outputs = 100'000;
  size_t state_path_steps = 1'000'000;  // Of all marks of one state together.
  size_t state_note_nodes = 1'000'000;  // Of one value beside the attributes: dependencies, marks, checks.
  // Of the configuration.
  uint64_t configuration_bytes = 128u << 20;  // Of all files together.
  size_t modules = 10'000;
  size_t blocks = 200'000;  // Of all files together.
  size_t block_depth = 32;
  size_t bracket_depth = 256;               // Brackets, strings, heredocs and templates within each other.
  size_t configuration_values = 1'000'000;  // Of one file: arguments, function calls; in JSON every value.
  size_t label_bytes = 256;
  size_t code_blocks = 50'000;         // What is reported of all files together,
  size_t code_text_bytes = 16u << 20;  // and the texts that are quoted for it.
  // Of all resources together: their arguments, the names in the values of these, and types of blocks.
  size_t resource_arguments = 1'000'000;
  // Of all files together. Beyond them it is not told apart what code refers to: it may be anything.
  size_t definitions = 200'000;
  uint64_t definition_bytes = 256u << 20;  // Gone through, some more than once.
  // Of the view. What is over the first eight is left out, and the view says so.
  size_t attribute_changes = 2'000;     // Of one object.
  size_t shown_text_bytes = 16u << 10;  // Of one text.
  size_t shown_path_bytes = 4096;
  size_t differing_names = 100;         // Of one object: where it is not what the state says.
  size_t detail_bytes = 24u << 20;      // Of all attribute changes together.
  size_t unchanged_attributes = 1'000;  // Of one object that is replaced.
  size_t unchanged_text_bytes = 256;    // Of one of them.
  size_t unchanged_bytes = 4u << 20;    // Of all of them together.
  size_t view_bytes = 64u << 20;        // Of everything.
};

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_LIMITS_H_
