# The cloud of the plays with Terraform: this machine. A provider of our own answers to the name of AWS, makes real
# databases where it is given a server, and keeps everything else, the automated backups too, as files. Sourced after
# stage.sh; what needs it has terraform-provider-aws among its programs, and has asked for terraform before.

mirror=$work/mirror/registry.terraform.io/hashicorp/aws/5.99.0/linux_amd64
mkdir -p "$mirror" "$work/cloud" "$work/backups"
install -m 0555 "$programs/terraform-provider-aws" "$mirror/terraform-provider-aws_v5.99.0_x5"
printf 'provider_installation {\n  filesystem_mirror { path = "%s" }\n}\n' "$work/mirror" >"$work/terraform.rc"
export TF_DISABLE_PLUGIN_TLS=1 CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_CLI_CONFIG_FILE=$work/terraform.rc
# Without an endpoint there are no real databases.
export AWS_DATA_DIRECTORY=$work/cloud AWS_BACKUPS_DIRECTORY=$work/backups AWS_ENDPOINT_URL=
cloud_environment=(--pass-env AWS_DATA_DIRECTORY --pass-env AWS_BACKUPS_DIRECTORY --pass-env AWS_ENDPOINT_URL
  --pass-env TF_DISABLE_PLUGIN_TLS)

# What every configuration begins with; a backend may be given.
terraform_block() { # backend block
  cat <<TF
terraform {
  ${1:-}
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.99.0" }
  }
}
TF
}

terraform_in() { # directory, argument...
  local log
  shown agent terraform -chdir="$@"
  log=$(terraform -chdir="$@" -no-color 2>&1 </dev/null) || { printf '%s\n' "$log" >&2; fail "terraform failed"; }
  { grep -E '^(Plan:|No changes|Apply complete)|^  # ' <<<"$log" || true; } | sed 's/^/   /'
  if [[ $2 == plan ]]; then compare_with_show "$@"; fi
}
# Our reader says of the plan what Terraform says of it. A demonstration does without.
compare_with_show() { # directory, plan, argument...
  local directory=$1 argument status=0
  if [[ ! -x $programs/plan-show-comparison ]]; then return; fi
  for argument in "$@"; do
    if [[ $argument != -out=* ]]; then continue; fi
    terraform -chdir="$directory" show -json "${argument#-out=}" >"$work/told.json"
    terraform -chdir="$directory" state pull >"$work/pulled.json"
    "$programs/plan-show-comparison" "$directory/${argument#-out=}" "$work/told.json" "$work/pulled.json" || status=$?
    # Both hold secrets.
    rm "$work/told.json" "$work/pulled.json"
    if ((status)); then fail "the reader and terraform show differ"; fi
  done
}
propose() { # plan file, reason, target; the name goes to `id`
  expect_exit 0 agent countersign submit --target "${3:-targets/courses}" --plan "$1" --reason "$2"
  id=$(grep -o 'proposals/[a-z2-7]\{24\}' <<<"$output" | head -n 1)
  id=${id#proposals/}
}
plan_in() { # directory, reason, argument of plan...; proposes DIRECTORY/tfplan
  terraform_in "$1" plan -input=false -out=tfplan "${@:3}"
  propose "$1/tfplan" "$2"
}
run_approved() { # directory, comment
  start_job "$id" --chdir "$1" "${cloud_environment[@]}"
  approve "$2"
  finish_job
  expect_state "$id" SUCCEEDED
}
watermark() { as alice countersign target show courses --output json | jq -r '"\(.state.lineage) \(.state.serial)"'; }

# As expect_exit, and what was said is not shown but kept in $work/outputs.
expect_quietly() { # code, who, command...
  local expected=$1 status=0
  shift
  shown "$@"
  output=$(as "$@" 2>&1 </dev/null) || status=$?
  printf '%s\n' "$output" >>"$work/outputs"
  if ((status == expected)); then return; fi
  printf '%s\n' "$output" | tail -n 40 >&2
  fail "that should have ended with exit code $expected, and ended with $status"
}
# Everything that anybody sees of a proposal.
look_at() { # id
  local command
  for command in "show $1" "show $1 --full" "show $1 --output json" "show $1 --plan" "show $1 --plan --full" \
    "show $1 --plan --output json" 'list --all' 'list --all --output json' "audit $1" "audit $1 --output json" \
    'target list' 'target list --output json'; do
    # shellcheck disable=SC2086
    expect_quietly 0 alice countersign $command
  done
}
analyze_all() { # plan file
  expect_quietly 0 agent countersign analyze "$1" --full
  expect_quietly 0 agent countersign analyze "$1" --output json
  expect_quietly 0 agent countersign analyze "$1" --output sarif
}
