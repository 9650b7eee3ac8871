#!/usr/bin/env bash
# What: what clients receive and hold, against a model written from the documents, in random histories
# Takes: about 5 minutes
# Packages: -
# Targets: test_access_oracle
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak access [--seeds N] [--seed FIRST] [--steps N]

Runs N random histories (default 10,000) from the seed FIRST (default 1) on, in two processes, each
of so many steps (default: as the seed has it). docs/ACCESS.md is what they are held to.
A seed that fails is told with the step and can be run again alone:
    SEED=n TRACE=1 build/tests/test_access_oracle
TEXT
}

seeds=10000 first=1 steps=
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --seeds) need_count "$@" && seeds=$2 && shift 2 ;;
    --seed) need_number "$@" && first=$2 && shift 2 ;;
    --steps) need_count "$@" && steps=$2 && shift 2 ;;
    *) misused "There is no option $1." ;;
    esac
done

oracle=$TANDEM_BUILD/tests/test_access_oracle
half=$(((seeds + 1) / 2))

part() { # FIRST COUNT NAME
    (($2 > 0)) || return 0
    SEED=$1 SEEDS=$2 STEPS=$steps EVERY=500 "$oracle" 2>&1 | sed -u "s/^/$3: /" |
        tee "$TANDEM_SOAK_DIR/$3.log"
}

part "$first" "$half" first & one=$!
part "$((first + half))" "$((seeds - half))" second & other=$!
status=0
wait "$one" || status=1
wait "$other" || status=1

figures() { cat "$TANDEM_SOAK_DIR"/*.log | sed -n 's/^[a-z]*: \([0-9]* histories: .*\)/\1/p' | paste -sd ';'; }
differing() { cat "$TANDEM_SOAK_DIR"/*.log | sed -n 's/^[a-z]*: access oracle: //p' | paste -sd ';'; }

if ((status == 0)); then
    echo "access: passed: $(figures)"
else
    echo "access: FAILED: $(differing)"
fi
exit "$status"
