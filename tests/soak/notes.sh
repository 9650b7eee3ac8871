#!/usr/bin/env bash
# What: a million random change sets, and a tenth as many sessions, come to the same here and in CodeMirror's own modules
# Takes: about 10 minutes
# Packages: nodejs npm
# Targets: change_sets note_sessions
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<'TEXT'
./dev soak notes [--cases N] [--seed N]

N cases of change sets (default 1,000,000) and N / 10 sessions of somebody who edits a note with others.
Half of each are made by @codemirror/state and @codemirror/collab, which the npm registry must give,
and answered here; half are made here and answered by them. See tests/codemirror/README.md.
TEXT
}

cases=1000000
seed=$((RANDOM * 32768 + RANDOM + 1))
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --cases) need_count "$@" && cases=$2 && shift 2 ;;
    --seed) need_number "$@" && seed=$2 && shift 2 ;;
    *) misused "There is no option $1." ;;
    esac
done

die() { echo "notes: FAILED: $*"; exit 1; }

ours=$TANDEM_BUILD/tests
cp tests/codemirror/*.json tests/codemirror/*.mjs "$TANDEM_SOAK_DIR"
cd "$TANDEM_SOAK_DIR"
npm ci --silent --no-audit --no-fund >npm.log 2>&1 || die "npm: $(tail -n 1 npm.log)"
echo "seed $seed"

# exchange PROGRAM SEED COUNT: so many made by each of the two, and answered by the other.
exchange() {
    node "$1.mjs" make "$2" "$3" | "$ours/$1" check >checked.log 2>&1 ||
        die "$1 made by CodeMirror with seed $2: $(head -n 1 checked.log)"
    "$ours/$1" make "$2" "$3" | node "$1.mjs" check >checked.log 2>&1 ||
        die "$1 made here with seed $2: $(head -n 1 checked.log)"
}

part=20000 sessions=0
for ((done = 0; done < cases; done += 2 * part)); do
    ((cases - done >= 2 * part)) || part=$(((cases - done + 1) / 2))
    some=$(((part + 9) / 10))
    exchange change_sets $((seed + done)) "$part"
    exchange note_sessions $((seed + done)) "$some"
    sessions=$((sessions + 2 * some))
    echo "$((done + 2 * part)) of $cases cases, $sessions sessions"
done
echo "notes: passed: $cases cases and $sessions sessions, seed $seed, half of them each way"
