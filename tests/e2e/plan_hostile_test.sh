#!/usr/bin/env bash
# Plans that are made to deceive whoever looks at them, files that are no plans, and `countersign analyze`.
#   plan_hostile_test.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=plan-hostile needed=(plan-show-comparison terraform-provider-aws terraform-plan-editor)
for program in terraform expect; do
  if ! command -v "$program" >/dev/null; then
    echo "plan-hostile: skipped, because $program is not installed"
    exit 77
  fi
done
source "$repository/tests/e2e/stage.sh"
source "$repository/tests/e2e/cloud.sh"
# `shown` prints what is typed; here the names themselves are hostile, and are typed nowhere.

infra=$work/infra

# What no output may hold: control characters but the newline, DEL, C1, what turns the direction of text around, what has
# no width, and separators that some terminals take for a newline.
expect_harmless() { # file
  local found
  found=$(perl -CSD -ne 'while (/([\x00-\x09\x0b-\x1f\x7f-\x9f\x{ad}\x{61c}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}\x{fff9}-\x{fffb}\x{e0000}-\x{e007f}])/g) {
    printf "line %d: U+%04X in %s\n", $., ord $1, $_ =~ s/[^\x20-\x7e]/?/gr }' "$1" | head -n 5)
  if [[ $found ]]; then fail "this could deceive whoever reads it, in $1: $found"; fi
}
# The same at a terminal, where our own colours are all that may be there. A terminal ends lines with \r\n.
on_terminal() { # command...
  # shellcheck disable=SC2016
  as alice env COUNTERSIGN_ARGUMENTS="$*" expect -c '
    set timeout 20
    log_user 1
    spawn -noecho countersign {*}[split $env(COUNTERSIGN_ARGUMENTS) " "]
    expect eof' | sed 's/\r$//; s/\x1b\[[0-9;]*m//g'
}

step "A broker of our own"
start_broker
mkdir "$infra"
terraform_block >"$infra/main.tf"

step "Names and values with control, bidirectional and invisible characters, and with escapes of terminals"
cat >"$infra/hostile.tf" <<'TF'
locals {
  hostile = {
    newline  = "a\nApproved by   everybody\r\n"
    escape   = jsondecode("\"\\u001b[2J\\u001b[1;1H\\u001b]0;title\\u0007\\u009b31m\"")
    backward = jsondecode("\"safe\\u202Eeteled\\u202C\\u2066x\\u2069\\u200F\\u061c\"")
    nothing  = jsondecode("\"prod\\u200buction\\u200d\\u2060\\ufeff\\u00ad\"")
    control  = jsondecode("\"\\u0001\\u0007\\u0008\\b\\b\\b\\u007f\\u0085\\u2028\\u2029\\t\\u000b\\u000c\"")
    tags     = jsondecode("\"\\udb40\\udc41\\udb40\\udc7f\"")
  }
}
resource "aws_s3_bucket" "named" {
  for_each = local.hostile
  bucket   = each.value
  tags = {
    (each.value) = each.value
  }
}
resource "terraform_data" "keyed" {
  for_each = { for name, text in local.hostile : text => name }
  input    = { (each.key) = each.key }
}
output "hostile" {
  value = local.hostile
}
output "text" {
  value = values(local.hostile)
}
check "words" {
  assert {
    condition     = length(local.hostile) == 0
    error_message = "Wrong: ${join("; ", values(local.hostile))}."
  }
}
TF
terraform_in "$infra" init -input=false
terraform_in "$infra" plan -input=false -out=tfplan >/dev/null
: >"$work/outputs"
reason=$'Harmless\e[2J\u202e\u200b\nVerdict   fine\r'
expect_harmless_proposal() {
  id=$(grep -o 'proposals/[a-z2-7]\{24\}' <<<"$output" | head -n 1)
  id=${id#proposals/}
  look_at "$id"
  expect_harmless "$work/outputs"
  : >"$work/terminal"
  local command
  for command in "show $id" "show $id --full" "show $id --plan --full" "show $id --output json" 'list --all' \
    "audit $id" "analyze infra/tfplan --full" 'target list'; do
    on_terminal $command >>"$work/terminal"
  done
  expect_harmless "$work/terminal"
}
expect_quietly 0 agent countersign submit --target targets/courses --plan "$infra/tfplan" --reason 'Harmless'
expect_harmless_proposal
grep -q 'aws_s3_bucket.named\["escape"\]' "$work/outputs" || fail "the card should show the plan"
grep -q 'u202e' "$work/outputs" || fail "what is hostile should be shown, escaped"
grep -q 'u202e' "$work/terminal" || fail "what is hostile should be shown, escaped, at a terminal"
analyze_all "$infra/tfplan"
expect_harmless "$work/outputs"

step "A hostile reason is refused, or shown without its tricks"
status=0
output=$(as agent countersign submit --target targets/courses --plan "$infra/tfplan" --reason "$reason" 2>&1) || status=$?
printf '%s\n' "$output" >>"$work/outputs"
if ((status == 0)); then expect_harmless_proposal; fi
expect_harmless "$work/outputs"
note "It ended with exit code $status."

step "What was made of them is destroyed, and looks the same"
terraform -chdir="$infra" apply -input=false tfplan >/dev/null
terraform_in "$infra" plan -input=false -out=tfplan -destroy >/dev/null
expect_quietly 0 agent countersign submit --target targets/courses --plan "$infra/tfplan" --reason 'Away'
expect_harmless_proposal
expect_harmless "$data/countersignd.log"
if grep -vaE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T' "$data/countersignd.log"; then fail "the log has a line that is no line of ours"; fi

step "Files that are no plans: each is refused with a sentence that says what to do"
refused() { # file, what is said
  expect_quietly 1 agent countersign analyze "$1"
  expect_quietly 1 agent countersign submit --target targets/courses --plan "$1" --reason 'a plan'
  note "$(head -n 1 <<<"$output")"
  expect_output 'the plan cannot be read'
  expect_output "${2:-terraform plan -out}"
  if [[ $output == *'proposals/'* ]]; then fail "it should not have been submitted"; fi
}
cp "$infra/terraform.tfstate" "$work/state.json"
refused "$work/state.json" 'terraform plan -out'
printf '{}' >"$work/empty.json"
refused "$work/empty.json" 'terraform plan -out'
printf '{"remote_plan_format":1,"run_id":"run-GXfuHMkbyHccAGUg","hostname":"app.terraform.io"}' >"$work/bookmark"
refused "$work/bookmark" 'save the plan locally'
terraform -chdir="$infra" show -json tfplan >"$work/shown.json"
refused "$work/shown.json" 'terraform plan -out'
printf '{"meta":{},"encrypted_data":"AAAA","encryption_version":"v0"}' >"$work/encrypted"
refused "$work/encrypted" 'without encryption'
printf 'tfplan\x02' >"$work/ancient"
refused "$work/ancient" '1.8 or newer'
: >"$work/nothing"
refused "$work/nothing" 'terraform plan -out'
head -c 100000 /dev/urandom >"$work/noise"
refused "$work/noise"
expect_quietly 1 agent countersign submit --target targets/courses --plan "$work/absent" --reason 'a plan'
expect_output absent

step "Zip files that other readers read otherwise than Terraform"
cp "$infra/tfplan" "$work/a"
terraform_in "$infra" plan -input=false -out=tfplan -destroy -target=terraform_data.keyed >/dev/null
cp "$infra/tfplan" "$work/b"
cat "$work/a" "$work/b" >"$work/concatenated"
refused "$work/concatenated"
(printf 'a few bytes'; cat "$work/a") >"$work/prefixed"
refused "$work/prefixed"
(cat "$work/a"; printf 'a few bytes') >"$work/trailing"
refused "$work/trailing"
head -c -30 "$work/a" >"$work/truncated"
refused "$work/truncated"
change() { # name, offset, bytes
  cp "$work/a" "$work/$1"
  printf '%b' "$3" | dd of="$work/$1" bs=1 seek="$2" conv=notrunc status=none
  refused "$work/$1"
}
directory=$(grep -abo $'PK\x01\x02' "$work/a" | head -n 1 | cut -d: -f1)
change local-name 30 'tfplax'
change directory-name $((directory + 46)) 'tfplax'
change local-encrypted 6 '\x09'
change directory-method $((directory + 10)) '\x00\x00'
change wrong-crc $((directory + 16)) '\x00\x00\x00\x00'
change short-size $((directory + 24)) '\x10\x00\x00\x00'
change unicode-path $((directory + 52)) 'up'
change null-in-name $((directory + 51)) '\x00'
change comment $(($(stat -c %s "$work/a") - 2)) '\x05\x00'

step "analyze: exit codes"
plan=$work/a
expect_quietly 0 agent countersign analyze "$plan"
expect_quietly 1 agent countersign analyze "$plan" --fail-on critical
expect_quietly 1 agent countersign analyze "$plan" --fail-on info
terraform_in "$infra" plan -input=false -out=tfplan >/dev/null
terraform_in "$infra" plan -input=false -out=quiet >/dev/null
expect_quietly 0 agent countersign analyze "$infra/quiet" --fail-on critical
expect_quietly 1 agent countersign analyze "$infra/quiet" --fail-on info
expect_quietly 2 agent countersign analyze "$plan" --fail-on loud
expect_quietly 2 agent countersign analyze
expect_quietly 2 agent countersign analyze "$plan" --explain all
expect_quietly 0 agent countersign analyze -- psql -c 'DROP TABLE courses'
expect_quietly 1 agent countersign analyze --fail-on critical -- psql -c 'DROP TABLE courses'
expect_quietly 1 agent countersign analyze "$work/absent"
expect_quietly 0 agent bash -c 'countersign analyze - --output json <infra/tfplan >analysis.json'
# No identity and no broker are needed.
env -i PATH="$programs:/usr/bin:/bin" HOME="$work" countersign analyze "$plan" >/dev/null || fail "it should need no broker"

step "analyze: what machines read"
as agent countersign analyze "$plan" --output json >"$work/analysis.json"
jq -e '.summary and (.findings | length > 0) and (.plan.resourceChanges | length == 12)' "$work/analysis.json" >/dev/null ||
  fail "the JSON should have a summary, findings and the plan"
as agent countersign analyze "$plan" --output sarif >"$work/analysis.sarif"
jq -e '.version == "2.1.0" and (.["$schema"] | contains("sarif")) and (.runs | length == 1)' "$work/analysis.sarif" \
  >/dev/null || fail "it should be SARIF 2.1.0"
# Every result has a rule that stands where it says, a level that the format knows, and a message.
jq -e '.runs[0] | .tool.driver.rules as $rules | (.results | length > 0) and all(.results[];
  .ruleId == $rules[.ruleIndex].id and (.level | IN("none", "note", "warning", "error")) and .message.text != "")' \
  "$work/analysis.sarif" >/dev/null || fail "each result should have its rule"
jq -e --slurpfile json "$work/analysis.json" \
  '[.runs[0].results[].ruleId] | unique == ([$json[0].findings[].code] | unique)' "$work/analysis.sarif" >/dev/null ||
  fail "SARIF and JSON should have the same findings"
jq -e '[.runs[0].tool.driver.rules[] | (.id and .shortDescription.text)] | all' "$work/analysis.sarif" >/dev/null ||
  fail "each rule should say what it means"
as agent countersign analyze --explain all --output json | jq -e '.rules | length > 40' >/dev/null ||
  fail "all rules should be there"
expect_harmless "$work/outputs"

printf '\n%sDone: nobody was deceived.%s\n' "$bold" "$plain"
