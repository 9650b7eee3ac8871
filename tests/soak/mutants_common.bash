# shellcheck shell=bash disable=SC2154
# What the tests of mutants share: mistakes are planted one after another in a copy of the checkout,
# and something must find each. To be sourced from the root of the checkout, after `name`, `program`
# (a ninja target), `mutants` (the folder of patches) and `seeds` (how many at most) are set. `usage`
# says what the options are, `run SEEDS` runs the program, `finding` says in one line what it found.

. tests/soak/options.bash

tree=$TANDEM_SOAK_DIR/tree build=$TANDEM_SOAK_DIR/build log=$TANDEM_SOAK_DIR/log

names=()

read_options() { # OPTION... [NAME...]
    while (($#)); do
        case $1 in
        --help) usage && exit 0 ;;
        --seeds) need_count "$@" && seeds=$2 && shift 2 ;;
        -*) misused "There is no option $1." ;;
        *)
            [[ -f $mutants/$1.patch ]] || misused "There is no mutant $1."
            names+=("$1") && shift
            ;;
        esac
    done
}

finish() { echo "$name: $*"; }

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
compile() { ninja -C "$build" "$program" >"$log" 2>&1; }

patch_tree() { # PATCH [OPTION...]
    patch -d "$tree" -p1 -s -F1 -N -r - --no-backup-if-mismatch "${@:2}" <"$1" >"$log" 2>&1
}

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
        echo "$1: $program ended without a word: $what"
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

# Those named, or all of the folder. Ends the script.
try_all() {
    local caught=0 failed=() file one
    if ((${#names[@]} == 0)); then
        for file in "$mutants"/*.patch; do names+=("$(basename "$file" .patch)"); done
    fi
    copy_tree
    configure || { tail -n 20 "$log"; finish "FAILED: cmake could not set up the copy"; exit 1; }
    echo "Building $program in a copy"
    compile || { tail -n 20 "$log"; finish "FAILED: the copy does not build"; exit 1; }
    echo "Without a mistake planted, over 200 seeds"
    run 200 || { tail -n 20 "$log"; finish "FAILED: something is found without any mutant: $(finding)"; exit 1; }
    for one in "${names[@]}"; do
        file=$mutants/$one.patch
        if try "$one" "$file"; then caught=$((caught + 1)); else failed+=("$one"); fi
    done
    if ((${#failed[@]})); then
        finish "FAILED: $caught of ${#names[@]} caught; not: ${failed[*]}"
        exit 1
    fi
    finish "passed: $caught of ${#names[@]} caught"
    exit 0
}
