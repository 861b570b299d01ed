#include "tests/bench/plans.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "tests/bench/steps.h"
#include "tests/support/fatal.h"
#include "tests/support/subprocess.h"

namespace countersign::bench {
namespace {

using nlohmann::ordered_json;

constexpr int kPerBlock = 100;
constexpr char kPlanFile[] = "tfplan";
constexpr absl::Duration kPatience = absl::Minutes(20);

// Block number `block`, with instances numbered from block * kPerBlock.
std::string Block(int block, int count, std::string_view type) {
  return absl::Substitute(R"(
resource "aws_instance" "server_$0" {
  count                   = $1
  ami                     = "ami-0abcdef1234567890"
  instance_type           = "$2"
  disable_api_termination = true
  user_data               = "#!/bin/sh\nexec /usr/local/bin/start --number $${$3 + count.index}\n"
  vpc_security_group_ids  = ["sg-0123456789abcdef0", "sg-0fedcba9876543210"]
  tags = {
    Name        = "server-$${$3 + count.index}"
    Environment = "production"
    Team        = "courses"
  }
  root_block_device {
    encrypted   = true
    volume_size = 40
  }
}
)",
                          block, count, std::string(type), block * kPerBlock);
}

int BlocksOf(int count) { return (count + kPerBlock - 1) / kPerBlock; }
int SizeOf(int block, int count) { return std::min(kPerBlock, count - block * kPerBlock); }

// What terraform would have written after it had made all of them as it made the one in `state`: making them
// one by one would take longer than all that is measured here.
std::string Multiply(const std::string& state, int count) {
  ordered_json all = ordered_json::parse(state);
  const ordered_json resource = all["resources"][0];
  all["resources"] = ordered_json::array();
  for (int block = 0; block < BlocksOf(count); ++block) {
    ordered_json several = resource;
    several["name"] = absl::StrCat("server_", block);
    const ordered_json instance = several["instances"][0];
    several["instances"] = ordered_json::array();
    for (int i = 0; i < SizeOf(block, count); ++i) {
      const int number = block * kPerBlock + i;
      ordered_json one = instance;
      ordered_json& attributes = one["attributes"];
      one["index_key"] = i;
      attributes["id"] = absl::StrCat("i-", 1'000'000'000 + number);
      attributes["arn"] =
          absl::StrCat("arn:aws:ec2:eu-west-1:123456789012:instance/i-", 1'000'000'000 + number);
      attributes["user_data"] = absl::StrCat("#!/bin/sh\nexec /usr/local/bin/start --number ", number, "\n");
      attributes["tags"]["Name"] = absl::StrCat("server-", number);
      several["instances"].push_back(std::move(one));
    }
    all["resources"].push_back(std::move(several));
  }
  return all.dump(2);
}

void MustWork(const testing::TerraformResult& result, const char* what) {
  if (!result.ok()) testing::Fatal(absl::StrCat("terraform ", what, ": ", result.err));
}

}  // namespace

PlanOfUpdates::PlanOfUpdates(int count) {
  terraform_.WriteFile("main.tf", Block(0, 1, "t3.medium"));
  MustWork(terraform_.Init(), "init");
  MustWork(terraform_.Apply(), "apply");
  terraform_.WriteFile("terraform.tfstate", Multiply(terraform_.ReadFile("terraform.tfstate"), count));
  std::string blocks;
  for (int block = 0; block < BlocksOf(count); ++block) {
    blocks += Block(block, SizeOf(block, count), "t3.large");
  }
  terraform_.WriteFile("main.tf", blocks);
  testing::SubprocessOptions plan =
      terraform_.Command({"plan", "-input=false", "-refresh=false", absl::StrCat("-out=", kPlanFile)});
  plan.stdout_path = "/dev/null";
  const Instant start = Now();
  const testing::Completed done = testing::RunToEnd(std::move(plan), kPatience);
  planning_time_ = Since(start);
  if (!done.ok()) testing::Fatal(absl::StrCat("terraform plan: ", done.err));
  bytes_ = terraform_.ReadFile(kPlanFile);
}

absl::Duration PlanOfUpdates::Show() const {
  testing::SubprocessOptions show = terraform_.Command({"show", "-json", kPlanFile});
  show.stdout_path = "/dev/null";
  const Instant start = Now();
  const testing::Completed done = testing::RunToEnd(std::move(show), kPatience);
  const absl::Duration elapsed = Since(start);
  if (!done.ok()) testing::Fatal(absl::StrCat("terraform show: ", done.err));
  return elapsed;
}

}  // namespace countersign::bench
