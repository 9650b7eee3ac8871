#!/usr/bin/env bash
# What: a server killed under load, 200 times, on one store: nothing acknowledged is lost
# Takes: about 3 minutes
# Packages: -
# Targets: kill_rounds tandemd
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak kill [--rounds N] [--seed N]

A server on one store is killed (SIGKILL) in the middle of the work of several writers and watchers
and started again, in N rounds (200). Checked in each: what was acknowledged is stored, a mutation
sent again gets its first answer, no seq is used twice, watchers go on at their cursor and end with
what a new replica gets; every tenth round, and at the end, the whole store (tandemd check).
--seed repeats the choices of an earlier run.
TEXT
}

rounds=200
seed=$((RANDOM * 32768 + RANDOM))
while (($#)); do
    case $1 in
    --rounds) need_count "$@" && rounds=$2 && shift 2 ;;
    --seed) need_number "$@" && seed=$2 && shift 2 ;;
    --help) usage && exit 0 ;;
    *) misused "There is no option $1." ;;
    esac
done

TMPDIR=$TANDEM_SOAK_DIR exec "$TANDEM_BUILD/tests/kill_rounds" \
    --rounds "$rounds" --seed "$seed" --check-every 10
