#!/usr/bin/env bash
# Each long run says what its options are when asked, and ends with status 2 before it does anything
# when it is given one that it does not know, which it names, or one without its value.
# usage_test.bash BUILD-FOLDER, from the root of the checkout
set -euo pipefail

export TANDEM_BUILD=$1
TANDEM_SOAK_DIR=$(mktemp -d)
export TANDEM_SOAK_DIR
trap 'rm -rf "$TANDEM_SOAK_DIR"' EXIT
out=$TANDEM_SOAK_DIR/out wrong=0

complain() { echo "$*" && wrong=1; }

# expect STATUS SCRIPT [OPTION...]: and no more than that. What it said is in `out`.
expect() {
    local status=0
    timeout 20 "tests/soak/$2.sh" "${@:3}" >"$out" 2>&1 || status=$?
    ((status == $1)) || complain "$2 ${*:3} ended with $status, and not $1: $(head -n 1 "$out")"
}

for script in tests/soak/*.sh; do
    name=$(basename "$script" .sh)
    expect 0 "$name" --help
    grep -q -- "$name" "$out" || complain "$name --help says nothing of it"
    expect 2 "$name" --no-such-option
    grep -q -- no-such-option "$out" || complain "$name does not name the option that it does not know"
    for option in seeds seed steps rounds images minutes parallel jobs build; do
        ! grep -q -- "--$option [A-Z]" <("$script" --help) || expect 2 "$name" "--$option"
    done
done

# A sweep that nobody runs in full is not known to pass.
for sweep in tests/survival/faults/test_*.c; do
    name=$(basename "$sweep" .c)
    grep -q "^# Targets:.* test_faults_${name#test_}\b" tests/soak/faults.sh ||
        complain "tests/soak/faults.sh does not run $sweep: add it to its Targets and to \"all\""
done
exit $wrong
