#!/usr/bin/env bash
# What: mistakes planted in the gate and in the feed, each of which the access oracle must find
# Takes: about 5 minutes
# Packages: patch
# Targets: -
set -euo pipefail

usage() {
    cat <<TEXT
./dev soak mutants [--seeds N] [NAME...]

Copies the checkout, and there, one after another, applies each patch of tests/oracle/mutants/ (or
those named), builds the access oracle and runs it until it finds the mistake, over N seeds at most
(default 2,000). A mutant that is not caught fails, and so does a patch that no longer applies.
TEXT
}

seeds=2000 name=mutants program=test_access_oracle mutants=tests/oracle/mutants
. tests/soak/mutants_common.bash
read_options "$@"

# run SEEDS: 0 when nothing was found
run() { SEED=1 SEEDS=$1 STEPS='' timeout 600 "$build/tests/$program" >"$log" 2>&1; }

# What the oracle said, as "seed 3, step 5 of 40: sentence".
finding() { sed -n 's/^access oracle: //p' "$log" | head -n 1; }

try_all
