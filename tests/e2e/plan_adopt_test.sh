#!/usr/bin/env bash
# States that are others for a good reason: resources that were moved in the state, and a state with another lineage,
# which an admin adopts.
#   plan_adopt_test.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=plan-adopt needed=(plan-show-comparison terraform-provider-aws)
for program in terraform expect; do
  if ! command -v "$program" >/dev/null; then
    echo "plan-adopt: skipped, because $program is not installed"
    exit 77
  fi
done
source "$repository/tests/e2e/stage.sh"
source "$repository/tests/e2e/cloud.sh"

infra=$work/infra
run() { # reason; what a plan of the directory says is approved and run
  plan_in "$infra" "$1"
  expect_quietly 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
  expect_exit 0 ci countersign exec "$id" --chdir "$infra" --timeout 20s "${cloud_environment[@]}"
  expect_state "$id" SUCCEEDED
}
codes() { field "$id" '[.findings[]?.code] | join(" ")'; }
expect_found() { # code
  local all
  all=" $(codes) "
  note "Found:$all"
  if [[ $all != *" $1 "* ]]; then fail "$1 should have been found"; fi
}
expect_ordinary() {
  local forbidden
  forbidden=$(field "$id" '[.requirement.forbiddenFindings[]?] | join(" ")')
  note "Found: $(codes)"
  if [[ $forbidden ]]; then fail "nothing should forbid it, but this does: $forbidden"; fi
}
# Alice adopts at a terminal.
adopt() { # exit code, what she types
  local status=0
  shown alice countersign target adopt courses --proposal "$id"
  # shellcheck disable=SC2016
  output=$(as alice env PROPOSAL="$id" ANSWER="$2" expect -c '
    set timeout 20
    spawn -noecho countersign target adopt courses --proposal $env(PROPOSAL)
    expect "Type courses to go on: " { send "$env(ANSWER)\r" } timeout { exit 99 } eof { exit 98 }
    expect eof
    exit [lindex [wait] 3]') || status=$?
  output=${output//$'\r'/}
  sed 's/^/   /' <<<"$output"
  if ((status != $1)); then fail "it should have ended with $1, and ended with $status"; fi
}

step "A broker of our own, and a target that it remembers"
start_broker
mkdir "$infra"
terraform_block >"$infra/main.tf"
cat >"$infra/one.tf" <<'TF'
resource "aws_s3_bucket" "one" {
  bucket = "courses-one"
}
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
TF
terraform_in "$infra" init -input=false
run 'The first bucket'
old=$(watermark)

step "A resource is moved in the state by hand, and in the configuration: said, and not forbidden"
terraform_in "$infra" state mv aws_s3_bucket.one aws_s3_bucket.uploads
sed -i 's/"aws_s3_bucket" "one"/"aws_s3_bucket" "uploads"/; s/10.0.0.0/10.1.0.0/' "$infra/one.tf"
plan_in "$infra" 'Another network'
expect_found state-advanced-elsewhere
expect_ordinary
expect_quietly 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
expect_exit 0 ci countersign exec "$id" --chdir "$infra" --timeout 20s "${cloud_environment[@]}"
before=$(watermark)
if [[ ${before% *} != "${old% *}" ]]; then fail "the lineage should be what it was"; fi

step "The state gets a new lineage, as when it is made anew from an old one: found, and nobody may approve the plan"
lineage=5c9f2a52-0000-4000-8000-6a1d1f0b7e11
jq --arg lineage "$lineage" '.lineage = $lineage' "$infra/terraform.tfstate" >"$work/migrated.json"
terraform_in "$infra" state push -force "$work/migrated.json"
sed -i 's/10.1.0.0/10.2.0.0/' "$infra/one.tf"
plan_in "$infra" 'The state has moved'
strange=$id
expect_found state-lineage-changed
expect_exit 6 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
expect_output 'nobody may approve this'

step "The agent may not adopt it, nor does a script; alice, who types something else, does not"
expect_exit 2 alice countersign target adopt dev --proposal "$id"
digest=$(as alice countersign show "$id" --plan --output json | jq -r .state.contentDigest)
expect_exit 6 agent countersign target adopt courses --proposal "$id" --digest "$digest"
expect_exit 6 bob countersign target adopt courses --proposal "$id" --digest "$digest"
expect_exit 1 alice countersign target adopt courses --proposal "$id"
expect_output 'asks a human at a terminal'
if as alice countersign target adopt courses --proposal "$id" --digest "sha256:${digest//?/0}" >/dev/null 2>&1; then
  fail "another digest was taken"
fi
adopt 1 'yes'
expect_output 'nothing was done'
if [[ $(watermark) != "$before" ]]; then fail "what is remembered should not have changed"; fi

step "Alice adopts it, having seen both"
adopt 0 courses
expect_output "${before% *}"
expect_output "$lineage"
if [[ $(watermark) != "$lineage "* ]]; then fail "the new lineage should be remembered"; fi
expect_state "$strange" SUPERSEDED
expect_exit 0 alice countersign target show courses
expect_output '(adopted)'

step "The same plan, submitted again, is an ordinary one"
propose "$infra/tfplan" 'The state has moved'
expect_ordinary
expect_quietly 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
expect_exit 0 ci countersign exec "$id" --chdir "$infra" --timeout 20s "${cloud_environment[@]}"
expect_state "$id" SUCCEEDED

step "The audit trail has the adoption, with what was before and after"
as alice countersign audit --limit 0 --output json >"$work/audit.json"
event=$(jq -c '[.. | objects | select(.type? == "target.adopted")]' "$work/audit.json")
note "$event"
jq -e --arg before "${before% *}" --arg after "$lineage" 'length == 1 and (.[0].principal | endswith("human/alice"))
  and (.[0].detailsJson | fromjson | (.before | contains($before)) and (.after | contains($after)))' <<<"$event" \
  >/dev/null ||
  fail "it should have been adopted once, by alice, from ${before% *} to $lineage"

printf '\n%sDone: what is other for a good reason is possible, and loud.%s\n' "$bold" "$plain"
