#!/usr/bin/env bash
# What only a person at a terminal sees: the progress line, and completion.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
countersign=$programs/countersign

start_dev dev
data=$work/dev
name=$(as "$data" agent "$countersign" submit --target targets/dev --reason test -- true 2>/dev/null)
id=${name#proposals/}

echo "a wait at a terminal says what it waits for, and takes that line away again"
cat >"$work/wait.exp" <<'EXPECT'
log_user 1
set timeout 30
spawn -noecho {*}$argv
expect {waiting for a decision} {exec touch $env(SEEN)} timeout {exit 3}
expect eof
exit [lindex [wait] 3]
EXPECT
start at_terminal env SEEN="$work/seen" TERM=xterm "$BASH" -c \
  'source "$1/env/agent.sh"; export HOME=$2; exec expect "$2/wait.exp" "$3" wait "$4"' - "$data" "$work" "$countersign" "$id"
at_terminal=$child
start in_a_pipe as "$data" agent "$countersign" wait "$id"
in_a_pipe=$child
until_true "the progress line is shown" test -e "$work/seen"
digest=$(as "$data" alice "$countersign" show "$id" --output json | jq -r .actionDigest)
as "$data" alice "$countersign" approve "$id" --digest "$digest" >"$work/approve.out"
expect_end 0 "$at_terminal"
expect_end 0 "$in_a_pipe"
last=$(tail -c 400 "$work/at_terminal.out")
[[ ${last##*$'\r\e[K'} == "$id is "*APPROVED* ]] || fail "what is left on the screen should be the answer"
says in_a_pipe "$id is APPROVED" || fail "the answer should be there without a terminal, too"
grep -q $'\e\|\r\|waiting for' "$work/in_a_pipe.out" && fail "there should be no progress line in a pipe"

echo "bash completes verbs, options and their values"
completed() { # words of a command line; the last one is being typed
  "$BASH" --norc -c 'source <("$1" completion bash); shift
    complete -p countersign >/dev/null || exit 1
    COMP_WORDS=(countersign "$@") COMP_CWORD=$#
    _countersign; printf "%s\n" "${COMPREPLY[@]}"' - "$countersign" "$@"
}
[[ $(completed app) == $'apply\napprove' || $(completed app) == $'approve\napply' ]] || fail "app: $(completed app)"
completed approve --dig | grep -qx -- --digest || fail "the options of approve should be completed"
[[ $(completed list --output j) == json ]] || fail "the values of --output should be completed"
[[ $(completed analyze --output s) == sarif ]] || fail "analyze has one more"
touch "$work/tfplan.saved"
[[ $(cd "$work" && completed submit --plan tfplan.s) == tfplan.saved ]] || fail "files should be completed"

if command -v zsh >/dev/null; then
  echo "zsh takes its script"
  zsh -f -c 'autoload -Uz compinit && compinit -D && source <("$1" completion zsh) && [[ ${_comps[countersign]} == _countersign ]]' \
    - "$countersign" >"$work/zsh.out" 2>&1 || fail "zsh does not complete countersign"
else
  echo "zsh is not installed, so its script is not tried"
fi
echo passed
