#!/usr/bin/env bash
# The incident, replayed with the real terraform on a real database: a new laptop without the state, an old state, a
# destroy without a plan, and a destroy that hides itself. Each is shown as what it is, and none is run.
#   incident.sh [DIRECTORY OF THE PROGRAMS]     default: build/dev/bin of this repository
set -euo pipefail
shopt -s inherit_errexit

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
programs=$(cd "${1:-$repository/build/dev/bin}" && pwd)
play=incident needed=(terraform-provider-aws terraform-plan-editor)
if ! command -v terraform >/dev/null; then
  echo "incident: skipped, because terraform is not installed"
  exit 77
fi
source "$repository/tests/e2e/stage.sh"

source "$repository/tests/e2e/cloud.sh"

# Alice looks at it, tries to approve it all the same, and denies it.
expect_hopeless() { # finding
  expect_exit 0 alice countersign show "$id"
  expect_output "$1"
  expect_exit 6 alice countersign approve "$id" --digest "$(field "$id" .actionDigest)"
  expect_output "nobody may approve this"
  expect_exit 0 alice countersign deny "$id" --yes --comment 'no'
  expect_exit 125 ci countersign exec "$id" --timeout 1s --chdir "$work/infra"
  expect_everything_is_there
}
expect_everything_is_there() {
  local backups
  count_rows
  backups=$(find "$work/backups" -type f | wc -l)
  note "There are $backups automated backups."
  if ((backups == 0)); then fail "the backups should be there"; fi
}

printf '%sThe incident: an agent, an old state file, and a database that somebody needs.%s\n' "$bold" "$plain"

step "A broker of our own, and a runner (ci) that alone has the password of the databases"
shown you countersignd dev --data-dir "$data"
start_broker
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
superuser postgres -c "CREATE ROLE courses_admin LOGIN CREATEDB PASSWORD '$password'"
export AWS_ENDPOINT_URL="postgresql://courses_admin:$password@/postgres?host=$socket"

step "Production is made by a plan that alice approves and that the waiting job applies"
mkdir "$work/infra"
terraform_block >"$work/infra/main.tf"
cat >>"$work/infra/main.tf" <<'TF'
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_s3_bucket" "uploads" {
  bucket = "courses-uploads"
}
resource "aws_db_instance" "courses" {
  identifier              = "courses"
  engine                  = "postgres"
  allocated_storage       = 20
  backup_retention_period = 7
  skip_final_snapshot     = true
  password                = "correct-horse-battery-staple"
}
TF
terraform_in "$work/infra" init -input=false
plan_in "$work/infra" 'Production, the first time'
expect_output 'target-first-seen'
run_approved "$work/infra" 'as we agreed'
superuser courses <<SQL
CREATE TABLE enrolments (id bigint PRIMARY KEY, student bigint NOT NULL, course int NOT NULL);
INSERT INTO enrolments SELECT n, n * 7919 % 250007, n % 4211 FROM generate_series(1::bigint, $rows) AS n;
SQL
expect_everything_is_there
cp "$work/infra/terraform.tfstate" "$work/old.tfstate"
note "The state as it is now stays behind on the old laptop: \$WORK/old.tfstate."

step "Life goes on: one more change, so the state moves"
sed -i 's/allocated_storage       = 20/allocated_storage       = 40/' "$work/infra/main.tf"
plan_in "$work/infra" 'The disk is getting full'
run_approved "$work/infra" 'good'
before=$(watermark)
note "The broker remembers lineage and serial: $before"

step "Thursday, 22:00: a new laptop, without the state. The agent's plan would create everything again"
mkdir "$work/laptop"
cp -r "$work/infra/main.tf" "$work/infra/.terraform" "$work/infra/.terraform.lock.hcl" "$work/laptop/"
plan_in "$work/laptop" 'Deploys the new site. Nothing to worry about.'
expect_hopeless state-missing

step "The old state is unpacked over it, and the agent thinks that a destroy is cleaner"
cp "$work/old.tfstate" "$work/laptop/terraform.tfstate"
terraform_in "$work/laptop" plan -destroy -input=false -out=tfplan
propose "$work/laptop/tfplan" 'Removes the duplicates. A destroy is cleaner.'
expect_output 'courses'
expect_hopeless state-serial-regressed

step "Then without a plan at all"
expect_exit 6 agent countersign submit --target targets/courses --reason 'Quicker' -- terraform destroy -auto-approve
expect_output 'terraform plan -out'
expect_everything_is_there

step "Then with an edited plan: the right serial, and the database's name hidden"
shown agent terraform-plan-editor tfplan edited.tfplan 'serial=…' 'hide=aws_db_instance.courses'
"$programs/terraform-plan-editor" "$work/laptop/tfplan" "$work/laptop/edited.tfplan" \
  "serial=${before#* }" hide=aws_db_instance.courses
propose "$work/laptop/edited.tfplan" 'Just a small cleanup'
expect_hopeless state-content-differs

step "An honest change is approved and applied by the waiting job, and what is remembered moves"
sed -i 's/allocated_storage       = 40/allocated_storage       = 50/' "$work/infra/main.tf"
plan_in "$work/infra" 'The disk is getting full again'
run_approved "$work/infra" 'good'
after=$(watermark)
note "The broker remembered $before, and remembers $after."
if [[ $after == "$before" || ${after% *} != "${before% *}" ]]; then fail "the serial should have moved, and the lineage not"; fi
expect_everything_is_there

printf '\n%sDone: the rows are there, and so are the backups.%s\n' "$bold" "$plain"
