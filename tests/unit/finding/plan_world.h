// A quiet plan on a target that is remembered, to be changed by tests: as it is, nothing is found in it.
#ifndef COUNTERSIGN_TESTS_UNIT_FINDING_PLAN_WORLD_H_
#define COUNTERSIGN_TESTS_UNIT_FINDING_PLAN_WORLD_H_

#include <string>
#include <string_view>
#include <vector>

#include "core/finding/judge.h"

namespace countersign::finding {

class PlanWorld {
 public:
  PlanWorld();

  // A change of a managed resource, with the identifier `name` and, when it is not created, in the state, the
  // memory and so known. `address` is TYPE.NAME, within modules or not.
  v1::ResourceChange* Add(const std::string& address, const std::vector<std::string>& actions,
                          const std::string& name = "");
  // In the plan's state, in the memory, or in both.
  void AddToState(const std::string& address, const std::string& id);
  void AddToMemory(const std::string& address, const std::string& id);
  v1::CodeBlock* AddCode(const std::string& kind, const std::string& what, const std::string& detail,
                         bool known = false);

  std::vector<v1::Finding> Judge() const;
  // Null pointer when it is not found.
  const v1::Finding* Find(const std::string& code);
  std::string Verdict() const;

  v1::PlanView plan;
  v1::TargetMemory memory;
  PlanContext context;

 private:
  std::vector<v1::Finding> findings_;
};

// An attribute of a change, as JSON texts.
v1::AttributeChange* Set(v1::ResourceChange* change, const std::string& path, const std::string& before,
                         const std::string& after = "");

std::vector<std::string> CodesOf(const std::vector<v1::Finding>& findings);

}  // namespace countersign::finding

#endif  // COUNTERSIGN_TESTS_UNIT_FINDING_PLAN_WORLD_H_
