#!/usr/bin/env bash
# Secrets in every place that a saved plan has for them: none is shown, logged, or kept other than in the encrypted file.
#   plan_secrets_test.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=plan-secrets needed=(plan-show-comparison terraform-provider-aws terraform-plan-editor)
if ! command -v terraform >/dev/null; then
  echo "plan-secrets: skipped, because terraform is not installed"
  exit 77
fi
source "$repository/tests/e2e/stage.sh"
source "$repository/tests/e2e/cloud.sh"

# A secret of its own for each place, so that what is found says where it comes from.
declare -A secret
for place in created updated_before updated_after replaced destroyed output variable unmarked_variable user_data \
  user_data_script tag backend provider private_key copy number url interpolated unused; do
  secret[$place]=zq7$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
done
# A number, as long as one may be.
secret[number]=7$(od -An -N7 -tu8 /dev/urandom | tr -d ' \n' | head -c 14)

step "A broker of our own; the state is kept in its PostgreSQL, by the backend that has a password in its settings"
start_broker
superuser postgres -c "CREATE ROLE terraform LOGIN PASSWORD '${secret[backend]}'"
superuser postgres -c 'CREATE DATABASE terraform OWNER terraform'
superuser postgres -c "CREATE ROLE cloud LOGIN CREATEDB PASSWORD '${secret[provider]}'"

mkdir "$work/infra"
printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n' "${secret[private_key]}" \
  >"$work/infra/id_ed25519"
configure() { # password of the updated one, engine of the replaced one
  terraform_block "backend \"pg\" {
    conn_str = \"postgres://terraform:${secret[backend]}@/terraform?host=$socket&sslmode=disable\"
  }" >"$work/infra/main.tf"
  cat >>"$work/infra/main.tf" <<TF
provider "aws" {
  endpoint = "postgresql://cloud:${secret[provider]}@/postgres?host=$socket"
}
variable "answer" {
  type      = string
  sensitive = true
}
variable "greeting" {
  type    = string
  default = "hello"
}
output "answer" {
  value     = var.answer
  sensitive = true
}
output "whole" {
  value     = { text = "${secret[output]}" }
  sensitive = true
}
resource "aws_db_instance" "updated" {
  identifier          = "updated"
  engine              = "postgres"
  password            = "$1"
  skip_final_snapshot = true
}
resource "aws_db_instance" "replaced" {
  identifier          = "replaced"
  engine              = "$2"
  password            = "${secret[replaced]}"
  skip_final_snapshot = true
  tags = {
    note = "${secret[replaced]}"
  }
}
TF
}
destroyed() {
  cat <<TF
resource "aws_db_instance" "destroyed" {
  identifier          = "destroyed"
  engine              = "postgres"
  password            = "${secret[destroyed]}"
  skip_final_snapshot = true
}
TF
}
created() {
  cat <<TF
resource "aws_db_instance" "created" {
  identifier          = "created"
  engine              = "postgres"
  password            = "${secret[created]}"
  skip_final_snapshot = true
}
resource "aws_instance" "web" {
  ami       = "ami-1"
  user_data = "${secret[user_data]}"
  tags = {
    Name      = "web"
    api_token = "${secret[tag]}"
    PinSecret = ${secret[number]}
    source    = "https://deploy:${secret[url]}@example.com/app.git"
    deploy    = file("\${path.module}/id_ed25519")
    motd      = "the answer is \${var.answer}"
  }
}
resource "aws_instance" "script" {
  ami       = "ami-1"
  user_data = <<-EOT
    #!/bin/sh
    export DB_PASSWORD=${secret[user_data_script]}
  EOT
}
resource "terraform_data" "release" {
  input = {
    password = "${secret[interpolated]}"
    answer   = var.answer
  }
  triggers_replace = [var.answer]
}
resource "aws_iam_access_key" "robot" {
  user = "robot"
}
TF
}
configure "${secret[updated_before]}" postgres
destroyed >>"$work/infra/main.tf"
# On the command line they would be shown here.
export TF_VAR_answer=${secret[variable]} TF_VAR_greeting=hello
terraform_in "$work/infra" init -input=false
terraform_in "$work/infra" apply -input=false -auto-approve

step "Policy permits what this test destroys"
cat >"$work/policy.yaml" <<'YAML'
document: Policy
rules:
  - name: test
    verdict: REQUIRE_APPROVAL
    quorums:
      - count: 1
        groups: [operators]
    permitted_findings: [automated-backups-deleted, backups-deleted-with-source, destroys-everything]
YAML
expect_exit 0 alice countersign apply -f policy.yaml

step "A plan that creates, changes, replaces and destroys, and has secrets given to it"
configure "${secret[updated_after]}" mysql
created >>"$work/infra/main.tf"
terraform_in "$work/infra" plan -input=false -out=tfplan -var "greeting=${secret[unmarked_variable]}" >/dev/null
propose "$work/infra/tfplan" 'All at once' >"$work/propose.out"
cat "$work/propose.out" >>"$work/outputs"
for change in aws_db_instance.created aws_db_instance.updated aws_db_instance.replaced aws_db_instance.destroyed; do
  expect_quietly 0 alice countersign show "$id" --full
  expect_output "$change"
done
look_at "$id"
analyze_all "$work/infra/tfplan"

step "It is approved, and applied"
run_approved "$work/infra" 'good'
cat "$work/job.out" >>"$work/outputs"
look_at "$id"
expect_quietly 0 alice countersign target show courses --full
expect_quietly 0 alice countersign target show courses --output json
secret[access_key]=$(terraform -chdir="$work/infra" state pull |
  jq -r '.resources[] | select(.type == "aws_iam_access_key") | .instances[0].attributes.secret')

step "A state that has lost all marks of what is sensitive, and is not refreshed: replaced, and destroyed"
terraform -chdir="$work/infra" state pull >"$work/pulled.json"
jq '.serial += 1 | (.resources[].instances[].sensitive_attributes) = []' "$work/pulled.json" >"$work/unmarked.json"
terraform_in "$work/infra" state push "$work/unmarked.json"
terraform_in "$work/infra" plan -input=false -out=tfplan -refresh=false -replace=aws_db_instance.updated \
  -replace=aws_instance.web -replace=aws_iam_access_key.robot -replace=terraform_data.release
analyze_all "$work/infra/tfplan"
propose "$work/infra/tfplan" 'Anew' >>"$work/outputs"
look_at "$id"
terraform_in "$work/infra" plan -input=false -out=tfplan -refresh=false -destroy
analyze_all "$work/infra/tfplan"
propose "$work/infra/tfplan" 'Away' >>"$work/outputs"
look_at "$id"

step "A runner that plans anew, where the difference is a secret, says no more than that it differs"
configure "${secret[unused]}" mysql
created >>"$work/infra/main.tf"
terraform_in "$work/infra" plan -input=false -out=tfplan
propose "$work/infra/tfplan" 'A new password' >>"$work/outputs"
sed -i "s/${secret[unused]}/${secret[copy]}/" "$work/infra/main.tf"
expect_quietly 0 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
as ci countersign exec "$id" --replan --timeout 20s --chdir "$work/infra" "${cloud_environment[@]}" \
  -- -var "answer=${secret[variable]}" >"$work/replan.out" 2>&1 </dev/null && fail "another password was applied"
tee -a "$work/outputs" <"$work/replan.out"
grep -q '^  aws_db_instance.updated' "$work/replan.out" || fail "it should say what differs"

step "Plans that cannot be read, at the very place where a secret is"
terraform -chdir="$work/infra" state pull >"$work/pulled.json"
spoil() { # entry, file with its new content
  "$programs/terraform-plan-editor" "$work/infra/tfplan" "$work/spoilt.tfplan" "entry=$1:$2"
  expect_quietly 1 agent countersign analyze "$work/spoilt.tfplan" --full
  expect_quietly 1 agent countersign submit --target targets/courses --plan "$work/spoilt.tfplan" --reason spoilt
  expect_output 'cannot be read'
}
head -c "$(grep -ob "${secret[replaced]}" "$work/pulled.json" | head -n 1 | cut -d: -f1)" "$work/pulled.json" \
  >"$work/cut.json"
printf '%s' "${secret[replaced]}" >>"$work/cut.json"
spoil tfstate "$work/cut.json"
sed "s/\"password\": \"\(${secret[replaced]}\)\"/\"\1\": 1, \"\1\": 2/" "$work/pulled.json" >"$work/twice.json"
spoil tfstate "$work/twice.json"
sed "s/\"password\": \"\(${secret[replaced]}\)\"/\"password\": \1/" "$work/pulled.json" >"$work/bare.json"
spoil tfstate "$work/bare.json"
printf 'resource "%s" {\n' "${secret[replaced]}" >"$work/open.tf"
spoil tfconfig/m-/main.tf "$work/open.tf"
# A field of the message that is a text, and no UTF-8.
printf '\x72\x20\xff\xfe%s\n\n\n\n\n' "${secret[replaced]}" >"$work/broken"
spoil tfplan "$work/broken"

step "None of them is in anything that was said, in the log, in the metrics, or in the database"
curl -s "http://127.0.0.1:$http_port/metrics" >"$work/metrics"
curl -s "http://127.0.0.1:$http_port/readyz" >>"$work/metrics"
PGPASSFILE=$data/secrets/pgpass pg_dump -h "$socket" -U postgres -d countersign >"$work/database.sql"
# bytea is written as \x and hexadecimal digits.
perl -ne 'print pack("H*", $1) while /\\x([0-9a-f]+)/g' "$work/database.sql" >"$work/database.bytes"
for file in outputs metrics database.sql database.bytes dev/countersignd.log countersignd.out; do
  [[ -e $work/$file ]] || fail "there is no $file"
  note "$file: $(wc -c <"$work/$file") bytes"
done
# What is looked at is what it should be.
grep -q 'aws_db_instance.replaced' "$work/outputs" || fail "the outputs say nothing of the plan"
grep -qa 'aws_db_instance.replaced' "$work/database.bytes" || fail "the database has no view of the plan"
found=0
for place in "${!secret[@]}"; do
  [[ ${#secret[$place]} -ge 10 ]] || fail "the secret of $place is too short to be looked for: ${secret[$place]}"
  hexadecimal=$(printf '%s' "${secret[$place]}" | od -An -v -tx1 | tr -d ' \n')
  base64=$(printf '%s' "${secret[$place]}" | base64 -w 0)
  for file in outputs metrics database.sql database.bytes dev/countersignd.log countersignd.out postgres.log; do
    [[ -e $work/$file ]] || continue
    for text in "${secret[$place]}" "$hexadecimal" "${base64:0:12}"; do
      if ! grep -qaF -- "$text" "$work/$file"; then continue; fi
      printf '   the secret of %s is in %s: %s\n' "$place" "$file" \
        "$(grep -aoE ".{0,120}$text.{0,40}" "$work/$file" | head -n 1)" >&2
      found=1
      break
    done
  done
done
if ((found)); then fail "secrets are where they should not be"; fi

printf '\n%sDone: %d secrets, and none of them was told.%s\n' "$bold" "${#secret[@]}" "$plain"
