#!/usr/bin/env bash
# What the runner does with an approved plan when the world is not, or no longer, the one that it was made for.
#   plan_exec_test.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=plan-exec needed=(plan-show-comparison terraform-provider-aws)
for program in terraform expect; do
  if ! command -v "$program" >/dev/null; then
    echo "plan-exec: skipped, because $program is not installed"
    exit 77
  fi
done
source "$repository/tests/e2e/stage.sh"
source "$repository/tests/e2e/cloud.sh"

infra=$work/infra
bucket() { printf 'resource "aws_s3_bucket" "%s" {\n  bucket = "courses-%s"\n}\n' "$1" "$1" >"$infra/$1.tf"; }
state() { cat "$infra/terraform.tfstate"; }
approve_quietly() { expect_quietly 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"; }
# The runner refuses, and neither the state nor the proposal is another one afterwards: no token was spent.
expect_refusal() { # what is said, option...
  local before said=$1
  shift
  before=$(state)
  expect_exit 125 ci countersign exec "$id" --chdir "$infra" --timeout 20s "${cloud_environment[@]}" "$@"
  expect_output "$said"
  if [[ $(state) != "$before" ]]; then fail "the state should be what it was"; fi
  expect_state "$id" APPROVED
  if [[ $(field "$id" '.execution // "none"') != none ]]; then fail "there should be no execution"; fi
}
expect_run() { # option...
  expect_exit 0 ci countersign exec "$id" --chdir "$infra" --timeout 20s "${cloud_environment[@]}" "$@"
  expect_state "$id" SUCCEEDED
}
expect_in_state() { # address...
  local address list
  list=$(terraform -chdir="$infra" state list)
  for address; do grep -qxF -- "$address" <<<"$list" || fail "$address should be in the state"; done
}
expect_not_in_state() { # address
  if terraform -chdir="$infra" state list | grep -qxF -- "$1"; then fail "$1 should not be in the state"; fi
}

step "A broker of our own; on targets/site a fresh plan may do less"
start_broker
cat >"$work/documents.yaml" <<'YAML'
document: Target
name: targets/site
environment: development
owners: [operators]
executors: [spiffe://dev.countersign.local/workload/ci]
---
document: Policy
rules:
  - name: site
    targets: [targets/site]
    verdict: REQUIRE_APPROVAL
    quorums:
      - count: 1
        groups: [operators]
    subset_allowed: true
    lease_lifetime: 15s
YAML
expect_exit 0 alice countersign apply -f documents.yaml
mkdir "$infra"
terraform_block >"$infra/main.tf"
bucket one
terraform_in "$infra" init -input=false
plan_in "$infra" 'The first bucket'
approve_quietly
expect_run

step "The state moves between approval and run, by hand: refused, and nothing is spent"
bucket two
plan_in "$infra" 'The second bucket'
approve_quietly
terraform_in "$infra" apply -input=false -auto-approve -target=aws_s3_bucket.one -replace=aws_s3_bucket.one
expect_refusal 'which has moved on since'
expect_output 'plan again'

step "Planned again on the runner it is the same: applied"
expect_run --replan
expect_in_state aws_s3_bucket.one aws_s3_bucket.two

step "Planned again on the runner it does more, because the configuration there is another one: refused"
bucket three
plan_in "$infra" 'The third bucket'
approve_quietly
bucket more
expect_refusal 'aws_s3_bucket.more' --replan
expect_output 'the fresh plan does other things than the approved one'
expect_not_in_state aws_s3_bucket.more
rm "$infra/more.tf"

step "exec itself says where the fresh plan goes"
expect_refusal 'leave out -out=elsewhere' --replan -- -out=elsewhere
expect_refusal 'the fresh plan does other things' --replan -- -destroy
expect_run --replan

step "A part was done by hand: policy allows no less than what was approved"
bucket four
bucket five
plan_in "$infra" 'Two more'
approve_quietly
terraform_in "$infra" apply -input=false -auto-approve -target=aws_s3_bucket.four
expect_refusal 'the fresh plan does less than the approved one, and policy does not allow that' --replan
expect_output 'aws_s3_bucket.four'

step "The same on targets/site, whose policy allows it"
expect_quietly 0 alice countersign revoke "$id" --yes
bucket six
plan_in "$infra" 'On another target'
propose "$infra/tfplan" 'The same, where less is allowed' targets/site
approve_quietly
terraform_in "$infra" apply -input=false -auto-approve -target=aws_s3_bucket.six
expect_run --replan
expect_output 'which policy allows'
expect_in_state aws_s3_bucket.five aws_s3_bucket.six

step "Nothing is left to do: refused"
bucket seven
plan_in "$infra" 'The seventh'
approve_quietly
terraform_in "$infra" apply -input=false -auto-approve
expect_refusal 'nothing left to do' --replan

step "Another workspace is selected on the runner: the plan's own is used"
bucket eight
plan_in "$infra" 'The eighth'
approve_quietly
terraform_in "$infra" workspace new other
expect_run
if [[ -e $infra/terraform.tfstate.d/other/terraform.tfstate ]]; then fail "the other workspace should have no state"; fi
terraform_in "$infra" workspace select default
expect_in_state aws_s3_bucket.eight

step "Other providers are chosen on the runner: refused"
bucket nine
plan_in "$infra" 'The ninth'
approve_quietly
cp "$infra/.terraform.lock.hcl" "$work/lock"
sed -i "s,\"h1:....,\"h1:AAAA," "$infra/.terraform.lock.hcl"
expect_refusal 'does not choose the providers of the plan'
rm "$infra/.terraform.lock.hcl"
expect_refusal 'is missing'
cp "$work/lock" "$infra/.terraform.lock.hcl"

step "Arguments in the runner's environment do not reach Terraform"
# Terraform does what these say wherever it finds them.
for variable in TF_CLI_ARGS_apply TF_CLI_ARGS TF_WORKSPACE TF_DATA_DIR TF_REATTACH_PROVIDERS; do
  expect_refusal "$variable would change what Terraform does" --pass-env "$variable"
done
(
  export TF_CLI_ARGS_apply="-state=$work/elsewhere.tfstate" TF_WORKSPACE=nowhere TF_DATA_DIR=$work/nowhere
  expect_exit 0 ci countersign exec "$id" --chdir "$infra" "${cloud_environment[@]}"
)
expect_state "$id" SUCCEEDED
if [[ -e $work/elsewhere.tfstate ]]; then fail "the state went elsewhere"; fi
expect_in_state aws_s3_bucket.nine

step "The job is killed with -9 in the middle: nobody runs it again, and alice settles it"
cat >"$infra/slow.tf" <<TF
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo \$\$ >$work/slow.pid; exec sleep 100"
  }
}
TF
terraform_in "$infra" init -input=false
terraform_in "$infra" plan -input=false -out=tfplan
propose "$infra/tfplan" 'This takes long' targets/site
expect_output provisioner
approve_quietly
# A killed job leaves its private directory behind. The next one removes it, once Terraform has ended too.
as ci env -u XDG_RUNTIME_DIR TMPDIR="$work" bash -c 'echo $$ >job.pid; exec countersign exec "$@"' exec "$id" \
  --chdir "$infra" "${cloud_environment[@]}" >"$work/job.out" 2>&1 </dev/null &
until_true "the provisioner runs" test -s "$work/slow.pid"
kill -9 "$(<"$work/job.pid")"
wait "$!" 2>/dev/null || true
is_ambiguous() { [[ $(field "$id" .state) == AMBIGUOUS ]]; }
until_true "the lease has run out" is_ambiguous
again=(ci env -u XDG_RUNTIME_DIR TMPDIR="$work" countersign exec "$id" --chdir "$infra" --timeout 1s "${cloud_environment[@]}")
left_behind() { compgen -G "$work/countersign-exec-*/approved.tfplan" >/dev/null; }
expect_exit 125 "${again[@]}"
if ! left_behind; then fail "Terraform still runs in the private directory of the killed job"; fi
kill "$(<"$work/slow.pid")" 2>/dev/null || true
expect_exit 0 alice countersign resolve "$id" --outcome failed --yes --comment 'the provisioner never ended'
expect_state "$id" FAILED
slow_lock_is_gone() { terraform -chdir="$infra" plan -input=false >/dev/null 2>&1; }
until_true "Terraform has let go of the state" slow_lock_is_gone
nothing_is_left_behind() {
  as "${again[@]}" >/dev/null 2>&1 || true
  ! left_behind
}
until_true "what the killed job left behind is removed" nothing_is_left_behind
rm "$infra/slow.tf"
terraform_in "$infra" apply -input=false -auto-approve
