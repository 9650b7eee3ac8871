#!/usr/bin/env bash
# What: a million random change sets come to the same here and in CodeMirror's own module
# Takes: about 5 minutes
# Packages: nodejs npm
# Targets: change_sets
set -euo pipefail

usage() {
    cat <<'TEXT'
./dev soak notes [--cases N] [--seed N]

Half of the N cases (default 1,000,000) are made by @codemirror/state, which the npm registry must
give, and checked here; half are made here and checked by it. See tests/codemirror/README.md.
TEXT
}

misused() { echo "notes: $*" >&2; usage >&2; exit 2; }
number() { [[ $2 =~ ^[1-9][0-9]{0,9}$ ]] || misused "$1 takes a number above 0"; }

cases=1000000
seed=$((RANDOM * 32768 + RANDOM + 1))
while (($#)); do
    case $1 in
    --cases | --seed)
        number "$1" "${2-}"
        if [[ $1 == --cases ]]; then cases=$2; else seed=$2; fi
        shift 2
        ;;
    --help) usage && exit 0 ;;
    *) misused "there is no option $1" ;;
    esac
done

die() { echo "notes: FAILED: $*"; exit 1; }

here=$PWD/tests/codemirror
ours=$TANDEM_BUILD/tests/change_sets
cp "$here/package.json" "$here/package-lock.json" "$here/change_sets.mjs" "$TANDEM_SOAK_DIR"
cd "$TANDEM_SOAK_DIR"
npm ci --silent --no-audit --no-fund >npm.log 2>&1 || die "npm: $(tail -n 1 npm.log)"
echo "seed $seed"

part=20000
for ((done = 0; done < cases; done += 2 * part)); do
    ((cases - done >= 2 * part)) || part=$(((cases - done + 1) / 2))
    node change_sets.mjs make "$((seed + done))" "$part" | "$ours" check >checked.log 2>&1 ||
        die "made by CodeMirror with seed $((seed + done)): $(head -n 1 checked.log)"
    "$ours" make "$((seed + done))" "$part" | node change_sets.mjs check >checked.log 2>&1 ||
        die "made here with seed $((seed + done)): $(head -n 1 checked.log)"
    echo "$((done + 2 * part)) of $cases cases"
done
echo "notes: passed: $cases cases, seed $seed, half of them each way"
