// What the scenarios' plans do. What a scenario is for would be lost without a sign if a change to the
// provider made its plans dull.
#ifndef COUNTERSIGN_TESTS_PROVIDER_SCENARIO_SUMMARIES_H_
#define COUNTERSIGN_TESTS_PROVIDER_SCENARIO_SUMMARIES_H_

#include <map>
#include <string>

namespace countersign::provider {

// Of what `terraform show -json` says about a plan: "delete+create (replace_by_request) 2, no-op 1,
// incomplete".
std::string Summary(const std::string& show_json);

// The summary of each plan of Scenarios(), by the plan's name.
const std::map<std::string, std::string>& ExpectedSummaries();

}  // namespace countersign::provider

#endif  // COUNTERSIGN_TESTS_PROVIDER_SCENARIO_SUMMARIES_H_
