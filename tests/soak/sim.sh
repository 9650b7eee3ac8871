#!/usr/bin/env bash
# What: a server and its clients under a virtual clock, with crashes, lost connections and access that changes
# Takes: about 30 minutes
# Packages: -
# Targets: test_sim
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak sim [--seeds N] [--seed FIRST] [--again FILE]

Runs the scripts of N seeds (default 20,000) from the seed FIRST (default 1) on, in two processes.
A seed whose replicas, answers or events are not as they must be is told, shrunk, and its script
written to sim-SEED.txt in the folder this was started in; --again FILE runs such a script with all
it tells. The last line says how many hours were simulated in a second.
TEXT
}

seeds=20000 first=1 again=
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --seeds) need_count "$@" && seeds=$2 && shift 2 ;;
    --seed) need_number "$@" && first=$2 && shift 2 ;;
    --again) need_value "$@" && again=$2 && shift 2 ;;
    *) misused "There is no option $1." ;;
    esac
done

sim=$TANDEM_BUILD/tests/test_sim

if [[ -n $again ]]; then
    TRACE=1 "$sim" "$again" && echo "sim: passed: $again" && exit 0
    echo "sim: FAILED: $again"
    exit 1
fi

half=$(((seeds + 1) / 2))

part() { # FIRST COUNT NAME
    (($2 > 0)) || return 0
    SEED=$1 SEEDS=$2 EVERY=100 "$sim" 2>&1 | sed -u "s/^/$3: /" | tee "$TANDEM_SOAK_DIR/$3.log"
}

part "$first" "$half" first & one=$!
part "$((first + half))" "$((seeds - half))" second & other=$!
status=0
wait "$one" || status=1
wait "$other" || status=1

figures() { for log in "$TANDEM_SOAK_DIR"/*.log; do sed -n 's/^[a-z]*: \([0-9]* runs: .*\)/\1/p' "$log" | tail -n 1; done | paste -sd ';'; }
differing() { cat "$TANDEM_SOAK_DIR"/*.log | sed -n 's/^[a-z]*: sim: \(seed .*\)/\1/p' | paste -sd ';'; }

if ((status == 0)); then
    echo "sim: passed: $(figures)"
else
    echo "sim: FAILED: $(differing)"
fi
exit "$status"
