// Whether a plan that was made afresh does what another one does.
#ifndef COUNTERSIGN_CORE_TERRAFORM_PLAN_COMPARISON_H_
#define COUNTERSIGN_CORE_TERRAFORM_PLAN_COMPARISON_H_

#include <string>
#include <vector>

#include "countersign/v1/plan.pb.h"

namespace countersign::terraform {

struct PlanComparison {
  // It does the same: changes, outputs, backend, workspace, providers, configuration and variables.
  bool same = false;
  // It does nothing that the other does not do, with the same variables.
  bool subset = false;
  // Each difference as one line for people, names and values from the plans as they are: "aws_db_instance.a:
  // delete, was update". At most 100, then one that says how many more.
  std::vector<std::string> differences;
};

// Compares views that were made with one salt. Pure. What is volatile makes no difference: when a plan was
// made, serial and content of the state, drift, what an unknown value will become.
PlanComparison ComparePlans(const v1::PlanView& approved, const v1::PlanView& fresh);

}  // namespace countersign::terraform

#endif  // COUNTERSIGN_CORE_TERRAFORM_PLAN_COMPARISON_H_
