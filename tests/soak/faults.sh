#!/usr/bin/env bash
# What: the n-th allocation, write, flush or socket call fails, for every n, once and for good
# Takes: about 25 minutes
# Packages: -
# Targets: test_faults_protocol test_faults_rules test_faults_commit test_faults_disk test_faults_backup test_faults_upgrade test_faults_session test_faults_replica test_faults_outbox test_faults_note test_faults_access_ended test_faults_folder test_faults_purge test_faults_commands test_faults_start test_faults_online test_faults_sockets test_faults_malloc tandemd
set -euo pipefail
. tests/soak/options.bash

all=(protocol rules commit disk backup upgrade session replica outbox note access_ended folder purge commands start online sockets malloc)

usage() {
    cat <<TEXT
./dev soak faults [--sample] [--seed N] [NAME...]

Runs the fault sweeps (tests/survival/faults) at every n, and prints for each kind of call how many
points were tried. NAME is one of: ${all[*]};
all without one.

  --sample   only the points of ./dev test, about two minutes
  --seed N   where samples begin, and what a power cut takes (1)
TEXT
}

names=()
export TANDEM_FAULTS=every TANDEM_FAULTS_SEED=1
while (($#)); do
    case $1 in
    --sample) TANDEM_FAULTS=sample && shift ;;
    --seed) need_number "$@" && TANDEM_FAULTS_SEED=$2 && shift 2 ;;
    --help) usage && exit 0 ;;
    -*) misused "There is no option $1." ;;
    *)
        [[ " ${all[*]} " == *" $1 "* ]] || misused "There is no sweep $1."
        names+=("$1") && shift
        ;;
    esac
done
((${#names[@]})) || names=("${all[@]}")

log=${TANDEM_SOAK_DIR:?"is run by ./dev soak"}/log
for name in "${names[@]}"; do
    program=${TANDEM_BUILD:?}/tests/test_faults_$name
    [[ -x $program ]] || { echo "faults: FAILED: $program was not built" && exit 1; }
    echo "$name, seed $TANDEM_FAULTS_SEED"
    # Folders of the tests are in its own, also when one is killed.
    {
        TMPDIR=$TANDEM_SOAK_DIR timeout --kill-after=10 3600 "$program" 2>"$log.$name" ||
            echo "$name" >>"$log.failed"
    } | tee -a "$log" | grep -E '^(faults:|  at call|allocation|the server)' || true
    ! grep -qsx "$name" "$log.failed" || tail -n 20 "$log.$name"
done

# "faults: KIND, DETAIL: N points" -> how many of each kind.
figures=$(sed -n 's/^faults: \([^,:]*\).*: \([0-9]*\) points.*/\1\t\2/p' "$log" |
    awk -F '\t' '!($1 in sum) { order[++kinds] = $1 }
        { sum[$1] += $2; all += $2 }
        END { printf "%d points", all
            for (i = 1; i <= kinds; i++) printf "; %s %d", order[i], sum[order[i]] }')
if [[ -s $log.failed ]]; then
    echo "faults: FAILED: $(paste -sd ' ' "$log.failed"); $figures"
    exit 1
fi
echo "faults: passed: $figures"
