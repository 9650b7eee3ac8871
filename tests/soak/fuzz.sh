#!/usr/bin/env bash
# What: fuzz every decoder, what is applied, and the session as a state machine (libFuzzer, ASan, UBSan)
# Takes: about 20 minutes for every two targets: 4 hours in all
# Packages: clang libclang-rt-14-dev llvm-14
# Targets: -
set -euo pipefail
. tests/soak/options.bash
export LC_ALL=C

minutes=20
parallel=2
targets=()

usage() {
    cat <<TEXT
./dev soak fuzz [--minutes N] [--parallel N] [TARGET...]

Builds the fuzzers in build-fuzz/ and runs each TARGET (default: all) for N minutes (default 20), two
at a time. What they find interesting stays in build-fuzz/corpus/TARGET/ and is where the next run
goes on; an input that fails is kept in build-fuzz/crashes/. Targets: $(all_targets | tr '\n' ' ')
TEXT
}

say() { printf '%s\n' "$@"; }
all_targets() { (cd tests/fuzz && printf '%s\n' fuzz_*.c) | sed 's/^fuzz_//; s/\.c$//'; }

while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --minutes) need_count "$@" && minutes=$2 && shift ;;
    --parallel) need_count "$@" && parallel=$2 && shift ;;
    -*) misused "There is no option $1." ;;
    *)
        [[ -e tests/fuzz/fuzz_$1.c ]] || misused "There is no target $1."
        targets+=("$1")
        ;;
    esac
    shift
done
((${#targets[@]})) || mapfile -t targets < <(all_targets)

logs=${TANDEM_SOAK_DIR:?"is run by ./dev soak"}
crashes=build-fuzz/crashes
export ASAN_OPTIONS=quarantine_size_mb=64:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1

# Scripts of events are short, or nothing in them is found again.
longest() {
    case $1 in
    session | apply | sync | client | peers) echo 512 ;;
    message | answer | record) echo 4096 ;;
    control) echo 1400 ;; # a line is at most 1,200 long
    *) echo 1024 ;;
    esac
}

start() { # TARGET: in the background; its pid is $!
    mkdir -p "build-fuzz/corpus/$1"
    exec_target "$1" -max_total_time=$((60 * minutes)) -print_final_stats=1 \
        -artifact_prefix="$crashes/$1-" "build-fuzz/corpus/$1" "tests/fuzz/seeds/$1" \
        >"$logs/$1.log" 2>&1 &
}

exec_target() { # TARGET [OPTION...]
    exec "build-fuzz/fuzz/fuzz_$1" -max_len="$(longest "$1")" -timeout=60 -rss_limit_mb=2048 \
        -dict=tests/fuzz/tandem.dict "${@:2}"
}

# The newest "#123 NEW cov: 5 ft: 6 corp: 7/8Kb ..." of a log, as far as it goes.
last_line() { grep -a -E '^#[0-9]+' "$logs/$1.log" | tail -n 1 || true; }
figure() { # TARGET NAME: of that line
    last_line "$1" | sed -n "s/.* $2: \([0-9]*\).*/\1/p"
}
executions() {
    local count
    count=$(sed -n 's/^stat::number_of_executed_units: //p' "$logs/$1.log" | tail -n 1)
    [[ -n $count ]] || count=$(last_line "$1" | sed 's/^#\([0-9]*\).*/\1/')
    echo "${count:-0}"
}

figures() { # TARGET
    printf '%s executions, cov %s, ft %s, corpus %s' "$(executions "$1")" "$(figure "$1" cov)" \
        "$(figure "$1" ft)" "$(find "build-fuzz/corpus/$1" -type f | wc -l)"
}

declare -A running=() # pid -> target
failed=()
total=0

finish() { # PID TARGET
    local status=0 kept
    wait "$1" || status=$?
    unset "running[$1]"
    total=$((total + $(executions "$2")))
    if ((status == 0)); then
        printf '  %-9s passed: %s\n' "$2" "$(figures "$2")"
        return
    fi
    failed+=("$2")
    kept=$(sed -n 's/.*Test unit written to //p' "$logs/$2.log" | tail -n 1)
    cp "$logs/$2.log" "$crashes/$2.log"
    printf '  %-9s FAILED: %s\n' "$2" "$(figures "$2")"
    grep -a -E 'runtime error|ERROR:|: not |SUMMARY|^world:' "$logs/$2.log" | head -n 5 || true
    say "    all of it:   $crashes/$2.log" \
        "    again:       build-fuzz/fuzz/fuzz_$2 ${kept:-$crashes/$2-...}" \
        "    once mended: cp ${kept:-$crashes/$2-...} tests/fuzz/seeds/$2/WHAT-IT-WAS"
}

stop_all() { # ends what is left, when this script is ended
    local pid
    for pid in "${!running[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
}
trap stop_all EXIT

say "Building build-fuzz"
cmake --preset fuzz >"$logs/cmake.log" 2>&1 || { cat "$logs/cmake.log" >&2 && exit 1; }
ninja -C build-fuzz --quiet fuzzers
mkdir -p "$crashes"

say "${#targets[@]} targets, $minutes minutes each, $parallel at a time"
waiting=("${targets[@]}")
told=$SECONDS
while ((${#waiting[@]} + ${#running[@]})); do
    while ((${#running[@]} < parallel && ${#waiting[@]})); do
        start "${waiting[0]}"
        running[$!]=${waiting[0]}
        waiting=("${waiting[@]:1}")
    done
    sleep 1
    for pid in "${!running[@]}"; do
        [[ -e /proc/$pid && ! $(ps -o stat= -p "$pid") =~ ^Z ]] || finish "$pid" "${running[$pid]}"
    done
    if ((SECONDS - told >= 30)); then
        told=$SECONDS
        for pid in "${!running[@]}"; do
            printf '  %-9s at %d s: %s\n' "${running[$pid]}" "$SECONDS" \
                "$(last_line "${running[$pid]}" | cut -c 1-100)"
        done
    fi
done

say "To keep what was found for good: build-fuzz/fuzz/fuzz_TARGET -merge=1 tests/fuzz/seeds/TARGET" \
    "build-fuzz/corpus/TARGET (adds the inputs that reach something new; commit only small ones)."
if ((${#failed[@]})); then
    say "fuzz: FAILED: ${failed[*]} of ${#targets[@]} targets, $minutes min each, $total executions"
    exit 1
fi
say "fuzz: passed: ${#targets[@]} targets, $minutes min each, $total executions, 0 crashes"
