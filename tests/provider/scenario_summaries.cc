#include "tests/provider/scenario_summaries.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace countersign::provider {
namespace {

using Json = nlohmann::json;

// "delete+create (replace_by_request) 2".
void CountActions(const Json& changes, absl::string_view prefix, std::map<std::string, int>* counts) {
  for (const Json& change : changes) {
    std::string what =
        absl::StrCat(prefix, absl::StrJoin(change["change"]["actions"].get<std::vector<std::string>>(), "+"));
    if (change.contains("deposed")) absl::StrAppend(&what, " deposed");
    if (change.contains("previous_address")) absl::StrAppend(&what, " moved");
    if (change["change"].contains("importing")) absl::StrAppend(&what, " imported");
    if (change.contains("action_reason")) {
      absl::StrAppend(&what, " (", change["action_reason"].get<std::string>(), ")");
    }
    ++(*counts)[what];
  }
}

}  // namespace

std::string Summary(const std::string& show_json) {
  const Json shown = Json::parse(show_json);
  std::map<std::string, int> counts;
  CountActions(shown.value("resource_changes", Json::array()), "", &counts);
  CountActions(shown.value("resource_drift", Json::array()), "drift ", &counts);
  for (const Json& change : shown.value("output_changes", Json::object())) {
    ++counts[absl::StrCat("output ", change["actions"][0].get<std::string>())];
  }
  for (const Json& check : shown.value("checks", Json::array())) {
    ++counts[absl::StrCat("check ", check["status"].get<std::string>())];
  }
  std::vector<std::string> lines;
  for (const auto& [what, count] : counts) lines.push_back(absl::StrCat(what, " ", count));
  if (shown["errored"].get<bool>()) lines.push_back("errored");
  if (!shown["complete"].get<bool>()) lines.push_back("incomplete");
  if (!shown["applyable"].get<bool>()) lines.push_back("not applyable");
  return absl::StrJoin(lines, ", ");
}

const std::map<std::string, std::string>& ExpectedSummaries() {
  static const auto* const expected = new std::map<std::string, std::string>{
      {"nothing at all/no resources", "not applyable"},
      {"planned twice/create", "create 4, output create 1"},
      {"planned twice/create again", "create 4, output create 1"},
      {"planned twice/no changes", "no-op 4, output no-op 1, not applyable"},
      {"planned twice/no changes again", "no-op 4, output no-op 1, not applyable"},
      {"planned twice/delete", "delete (delete_because_no_resource_config) 4, output delete 1"},
      {"planned twice/delete again", "delete (delete_because_no_resource_config) 4, output delete 1"},
      {"planned twice/replace", "delete+create (replace_by_request) 1, no-op 3, output no-op 1"},
      {"planned twice/replace again", "delete+create (replace_by_request) 1, no-op 3, output no-op 1"},
      {"life/create", "create 4, output create 1"},
      {"life/no changes", "no-op 4, output no-op 1, not applyable"},
      {"life/destroy", "delete 4, output delete 1"},
      {"life/one more", "create 1, no-op 4, output no-op 1"},
      {"life/all gone from the configuration",
       "delete (delete_because_no_resource_config) 4, output delete 1"},
      {"life/nothing left", "not applyable"},
      {"update/in place",
       "delete (delete_because_no_resource_config) 1, output create 1, output update 1, update 3"},
      {"update/done", "no-op 3, output no-op 2, not applyable"},
      {"the incident/destroy", "delete 7, output delete 1"},
      {"the incident/half of the state", "create 2, no-op 5, output no-op 1"},
      {"the incident/no state", "create 7, output create 1"},
      {"json configuration/create", "create 1"},
      {"many/no changes", "no-op 300, not applyable"},
      {"many/destroy", "delete 300"},
      {"replace, delete first/replace", "delete+create (replace_because_cannot_update) 1"},
      {"replace, create first/replace", "create+delete (replace_because_cannot_update) 1"},
      {"replace, create first/done", "no-op 1, not applyable"},
      {"replace inside a block/replace",
       "delete (delete_because_no_resource_config) 3, delete+create (replace_because_cannot_update) 1, "
       "output delete 1"},
      {"replace on request/replace", "delete+create (replace_by_request) 2, no-op 2, output no-op 1"},
      {"replace on request/tainted", "delete+create (replace_because_tainted) 1, no-op 3, output no-op 1"},
      {"replace on request/untainted", "no-op 4, output no-op 1, not applyable"},
      {"replace by triggers/replace",
       "delete+create (replace_because_cannot_update) 1, delete+create (replace_by_triggers) 1, update 1"},
      {"replace what others stand on/replace",
       "delete+create (replace_because_cannot_update) 2, output update 1"},
      {"deposed/left behind", "delete deposed 1, no-op 1"},
      {"deposed/destroy", "delete 1, delete deposed 1"},
      {"deposed/and an update", "delete deposed 1, update 1"},
      {"deposed/drifted", "delete deposed 1, update 1"},
      {"deposed/gone", "no-op deposed 1, update 1"},
      {"tainted by a provisioner/replace", "delete+create (replace_because_tainted) 1"},
      {"moved/renamed", "no-op moved 1"},
      {"moved/refresh only", "drift no-op moved 1, not applyable"},
      {"moved/and updated", "update moved 1"},
      {"moved/and replaced", "delete+create moved (replace_because_cannot_update) 1"},
      {"moved/to nowhere", "delete moved (delete_because_no_move_target) 1"},
      {"moved into a module/into one instance", "create 1, no-op moved 1"},
      {"moved from count to each/one of two",
       "create 1, delete (delete_because_wrong_repetition) 1, no-op moved 1"},
      {"removed/forget one",
       "delete (delete_because_no_resource_config) 3, forget (delete_because_no_resource_config) 1, output "
       "delete 1"},
      {"removed/done", "not applyable"},
      {"import/as it is", "create 1, no-op 1, no-op imported 2, output no-op 1"},
      {"import/and change",
       "delete (delete_because_no_resource_config) 1, delete+create imported (replace_because_cannot_update) "
       "1, output delete 1, update imported 1"},
      {"import/generated configuration",
       "delete (delete_because_no_resource_config) 1, no-op imported 1, output delete 1"},
      {"import/by command", "delete (delete_because_no_resource_config) 1, update 1"},
      {"drift/normal", "create 1, drift delete 1, drift update 2, no-op 1, output update 1, update 2"},
      {"drift/refresh only", "drift delete 1, drift update 2, output update 1"},
      {"drift/destroy", "delete 3, output delete 1"},
      {"drift/not refreshed", "no-op 4, output no-op 1, not applyable"},
      {"drift/destroy without refresh", "delete 4, output delete 1"},
      {"drift/target", "drift update 1, update 1, incomplete"},
      {"drift/taken over", "create 1, no-op 1, output update 1, update 2"},
      {"no drift/refresh only", "output no-op 1"},
      {"ignored changes/drift of tags", "drift update 1, no-op 1, not applyable"},
      {"everything is gone/normal", "create 3, drift delete 3, no-op 1, output update 1"},
      {"everything is gone/refresh only", "drift delete 3, output update 1"},
      {"everything is gone/destroy", "delete 1, output delete 1"},
      {"drift that changes an output/normal", "drift update 1, no-op 1, output update 1"},
      {"drift that changes an output/refresh only", "drift update 1, output update 1"},
      {"moved and drifted/normal", "drift update moved 1, update moved 1"},
      {"moved and drifted/refresh only", "drift update moved 1"},
      {"target/create one", "create 1, incomplete"},
      {"target/delete one", "delete (delete_because_no_resource_config) 1, incomplete"},
      {"target/destroy one", "delete 2, incomplete"},
      {"target/replace one", "delete+create (replace_by_request) 1, incomplete"},
      {"target/nothing of it", "incomplete, not applyable"},
      {"target a module/one instance", "create 1, incomplete"},
      {"target a module/all instances", "create 2, incomplete"},
      {"workspace/create", "create 1"},
      {"workspace/no changes", "no-op 1, not applyable"},
      {"local backend/destroy", "delete 1"},
      {"another state file/destroy", "delete 1"},
      {"odd keys/create", "create 10"},
      {"odd keys/no changes", "no-op 10, not applyable"},
      {"odd keys/replace", "delete+create (replace_by_request) 1, no-op 9"},
      {"odd keys/target", "no-op 1, incomplete, not applyable"},
      {"odd keys/fewer keys", "create 1, delete (delete_because_each_key) 9, no-op 1"},
      {"odd keys/no keys", "create 1, delete (delete_because_wrong_repetition) 10"},
      {"count/fewer", "delete (delete_because_count_index) 2, no-op 1"},
      {"count/none", "delete (delete_because_count_index) 3"},
      {"count/no count", "delete (delete_because_wrong_repetition) 2, no-op moved 1"},
      {"modules/create", "create 10, output create 1"},
      {"modules/no changes", "no-op 10, output no-op 1, not applyable"},
      {"modules/another instance", "create 5, delete (delete_because_no_module) 5, no-op 5, output update 1"},
      {"modules/no module", "delete (delete_because_no_resource_config) 10, output delete 1"},
      {"providers with aliases/create", "create 3"},
      {"providers with aliases/destroy", "delete 3"},
      {"sensitive/create", "create 3, output create 2"},
      {"sensitive/no changes", "no-op 3, output no-op 2, not applyable"},
      {"sensitive/other value", "no-op 2, output no-op 1, output update 1, update 1"},
      {"sensitive/destroy", "delete 3, output delete 2"},
      {"sensitive/replace",
       "delete+create (replace_by_request) 2, output no-op 1, output update 1, update 1"},
      {"sensitive/no longer sensitive",
       "delete (delete_because_no_resource_config) 1, no-op 1, output delete 2, update 1"},
      {"unknown/create", "create 5, output create 2"},
      {"unknown/no changes", "no-op 5, output no-op 2, not applyable"},
      {"unknown/replace",
       "delete+create (replace_because_cannot_update) 2, delete+create (replace_by_request) 1, output update "
       "2, update 2"},
      {"numbers/create", "create 4, output create 1"},
      {"numbers/no changes", "no-op 4, output no-op 1, not applyable"},
      {"numbers/update", "delete (delete_because_no_resource_config) 2, output update 1, update 2"},
      {"numbers/destroy", "delete 4, output delete 1"},
      {"kinds of values/create", "create 4"},
      {"kinds of values/no changes", "no-op 4, not applyable"},
      {"kinds of values/update", "update 4"},
      {"kinds of values/done", "no-op 4, not applyable"},
      {"texts/create", "create 2"},
      {"texts/update", "update 2"},
      {"blocks and sets/create", "create 4"},
      {"blocks and sets/no changes", "no-op 4, not applyable"},
      {"blocks and sets/update", "update 4"},
      {"blocks and sets/done", "no-op 4, not applyable"},
      {"outputs/create", "output create 3, output no-op 1"},
      {"outputs/no changes", "output no-op 4, not applyable"},
      {"outputs/change", "output create 2, output delete 1, output no-op 1, output update 1"},
      {"outputs/destroy", "output delete 5"},
      {"data sources/create",
       "create 1, output create 1, read (read_because_config_unknown) 1, read "
       "(read_because_dependency_pending) 1"},
      {"data sources/no changes", "no-op 1, output no-op 1, not applyable"},
      {"data sources/destroy", "delete 1, output delete 1"},
      {"data sources/not refreshed", "no-op 1, output no-op 1, not applyable"},
      {"data sources/gone", "delete (delete_because_no_resource_config) 1, output delete 1"},
      {"remote state/create", "create 1, output delete 1"},
      {"checks/create",
       "check fail 2, check pass 3, check unknown 1, create 2, output create 1, read "
       "(read_because_check_nested) 1"},
      {"checks/no changes",
       "check fail 2, check pass 4, no-op 2, output no-op 1, read (read_because_check_nested) 1"},
      {"checks/destroy", "check unknown 6, delete 2, output delete 1"},
      {"checks/precondition fails",
       "check fail 5, check pass 1, read (read_because_check_nested) 1, errored, incomplete, not applyable"},
      {"checks in modules/create", "check fail 1, check pass 1, create 2"},
      {"checks in modules/no changes", "check fail 1, check pass 1, no-op 2, not applyable"},
      {"errors/a read fails", "create 4, output create 1, errored, incomplete, not applyable"},
      {"errors/a precondition fails",
       "check fail 1, no-op 4, output no-op 1, errored, incomplete, not applyable"},
      {"ephemeral/not given", "create 1"},
      {"ephemeral/given", "create 1"},
      {"ephemeral/again", "no-op 1, not applyable"},
      {"variables/from a file", "create 1"},
      {"variables/from arguments", "create 1"},
      {"provisioner/create", "create 1"},
      {"provisioner/destroy", "delete 1"},
      {"prevent destroy/no changes", "no-op 1, not applyable"},
      {"prevent destroy/destroy", "delete 1, errored, incomplete, not applyable"},
      {"deposed/refresh only", ""},
  };
  return *expected;
}

}  // namespace countersign::provider
