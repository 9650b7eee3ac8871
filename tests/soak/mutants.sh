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

seeds=2000 names=()
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --seeds) seeds=${2:?} && shift 2 ;;
    -*) usage >&2 && exit 2 ;;
    *) names+=("$1") && shift ;;
    esac
done
[[ $seeds =~ ^[1-9][0-9]*$ ]] || { usage >&2; exit 2; }

tree=$TANDEM_SOAK_DIR/tree build=$TANDEM_SOAK_DIR/build log=$TANDEM_SOAK_DIR/log
oracle=$build/tests/test_access_oracle

finish() { echo "mutants: $*"; }

copy_tree() {
    mkdir -p "$tree"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
        tar -c --null -T - | tar -x -C "$tree"
}

configure() {
    local launcher=()
    ! command -v ccache >/dev/null || launcher=(-D CMAKE_C_COMPILER_LAUNCHER=ccache)
    cmake -S "$tree" -B "$build" -G Ninja -D TANDEM_TESTS=ON "${launcher[@]}" >"$log" 2>&1
}

# Warnings are not the mutants' business.
compile() { ninja -C "$build" test_access_oracle >"$log" 2>&1; }

# run SEEDS: 0 when nothing was found
run() { SEED=1 SEEDS=$1 STEPS='' timeout 600 "$oracle" >"$log" 2>&1; }

patch_tree() { # PATCH [OPTION...]
    patch -d "$tree" -p1 -s -F1 -N -r - --no-backup-if-mismatch "${@:2}" <"$1" >"$log" 2>&1
}

# What the oracle said, as "seed 3, step 5 of 40: sentence".
finding() { sed -n 's/^access oracle: //p' "$log" | head -n 1; }

try() { # NAME PATCH
    local what found=0 seed
    what=$(sed -n 's/^What: //p' "$2")
    if ! patch_tree "$2"; then
        echo "$1: the patch no longer applies, mend it: $what"
        cat "$log"
        return 1
    fi
    if ! compile; then
        echo "$1: does not compile: $what"
        tail -n 20 "$log"
        found=2
    elif run "$seeds"; then
        echo "$1: NOT CAUGHT in $seeds seeds: $what"
        found=2
    elif [[ -z $(finding) ]]; then
        echo "$1: the oracle ended without a word: $what"
        tail -n 20 "$log"
        found=2
    else
        seed=$(finding | sed 's/^seed \([0-9]*\),.*/\1/')
        echo "$1: $what"
        echo "    caught after $seed seeds, by seed $seed: $(finding | sed 's/^[^:]*: //')"
    fi
    patch_tree "$2" -R || { echo "$1: could not be taken back"; exit 1; }
    return "$found"
}

if ((${#names[@]} == 0)); then
    for file in tests/oracle/mutants/*.patch; do names+=("$(basename "$file" .patch)"); done
fi

copy_tree
configure || { tail -n 20 "$log"; finish "FAILED: cmake could not set up the copy"; exit 1; }
echo "Building the access oracle in a copy"
compile || { tail -n 20 "$log"; finish "FAILED: the copy does not build"; exit 1; }
echo "Without a mistake planted, over 200 seeds"
run 200 || { tail -n 20 "$log"; finish "FAILED: the oracle differs without any mutant: $(finding)"; exit 1; }

caught=0 failed=()
for name in "${names[@]}"; do
    file=tests/oracle/mutants/$name.patch
    [[ -f $file ]] || { echo "There is no $file" >&2; exit 2; }
    if try "$name" "$file"; then caught=$((caught + 1)); else failed+=("$name"); fi
done

if ((${#failed[@]})); then
    finish "FAILED: $caught of ${#names[@]} caught; not: ${failed[*]}"
    exit 1
fi
finish "passed: $caught of ${#names[@]} caught"
