#!/usr/bin/env bash
# What: mistakes planted in the client library and in the server, each of which the simulator must find
# Takes: about 15 minutes
# Packages: patch
# Targets: -
set -euo pipefail

usage() {
    cat <<TEXT
./dev soak sim-mutants [--seeds N] [NAME...]

Copies the checkout, and there, one after another, applies each patch of tests/sim/mutants/ (or
those named), builds the simulator and runs it until it finds the mistake, over N seeds at most
(default 1,000). A mutant that is not caught fails, and so does a patch that no longer applies.
TEXT
}

seeds=1000 name=sim-mutants program=test_sim mutants=tests/sim/mutants
. tests/soak/mutants_common.bash
read_options "$@"

# run SEEDS: 0 when nothing was found. What differs need not be made short.
run() {
    SEED=1 SEEDS=$1 SHRINK=0 TANDEM_SIM_SCRIPTS=$TANDEM_SOAK_DIR timeout 1200 "$build/tests/$program" >"$log" 2>&1
}

# What the simulator said, as "seed 3, line 5 of 40 (what was done): sentence".
finding() { sed -n 's/^sim: \(seed [0-9]*, line .*\)/\1/p' "$log" | head -n 1; }

try_all
