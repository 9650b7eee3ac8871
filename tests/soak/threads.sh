#!/usr/bin/env bash
# What: everything with threads under the thread sanitizer: 0 reports that tests/tsan.supp does not explain
# Takes: about 20 minutes
# Packages: -
# Targets: -
set -euo pipefail
. tests/soak/options.bash

# Tests with threads of their own, and those that start a tandemd, which is built the same way.
tests='^(log$|commit$|commit_failure|net_|app_|store_processes|client_transport|client_thread'
tests+='|client_peers|client_shared|cli_commands|cli_watch|cli_import|cli_leave|seed$|load$|bench$'
tests+='|survival_|profile_|hostile_|brute_|scenario_|real_)'
jobs=2
build="build-tsan"

usage() {
    cat <<TEXT
./dev soak threads [--jobs N] [--only REGEX] [--build FOLDER]

Builds all in build-tsan with ThreadSanitizer and runs the tests with threads (ctest -R REGEX; N at a
time, 2), tandemd and tandem included. Any report of a race, a lock taken in two orders or a thread
that nobody waits for is a failure, in whichever process, unless tests/tsan.supp explains it. With
TANDEM_SHARED_DATA set, the tests that need it run with it.
TEXT
}

while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --jobs) need_count "$@" && jobs=$2 && shift 2 ;;
    --only) need_value "$@" && tests=$2 && shift 2 ;;
    --build) need_value "$@" && build=$2 && shift 2 ;;
    *) misused "There is no option $1." ;;
    esac
done

reports=${TANDEM_SOAK_DIR:?"is run by ./dev soak"}/reports
mkdir -p "$reports" "$build"
kept=$build/reports
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp log_path=$reports/tsan halt_on_error=0"
TSAN_OPTIONS+=" exitcode=0 second_deadlock_stack=1 history_size=4"

echo "Building $build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DTANDEM_SANITIZE=thread -DTANDEM_TESTS=ON \
    >"$build/cmake.log" 2>&1 || { tail -n 5 "$build/cmake.log" && echo "threads: FAILED: cmake" && exit 1; }
ninja -C "$build" --quiet || { echo "threads: FAILED: the build" && exit 1; }
# Tests take many times as long here, and ctest has no option that outweighs a test's own limit.
find "$build" -name CTestTestfile.cmake -exec sed -i 's/TIMEOUT "[0-9]*"/TIMEOUT "1800"/g' {} +

# The memory of a process must lie where the sanitizer expects it.
status=0
setarch -R ctest --test-dir "$build" -R "$tests" -j "$jobs" --output-on-failure \
    >"$build/ctest.log" 2>&1 &
running=$!
trap 'kill "$running" 2>/dev/null || true' EXIT
told=$SECONDS
while [[ -e /proc/$running && ! $(ps -o stat= -p "$running") =~ ^Z ]]; do
    sleep 1
    ((SECONDS - told < 30)) && continue
    told=$SECONDS
    printf '  at %d s: %s; %s reports\n' "$SECONDS" \
        "$(grep -a -E '^ *[0-9]+/[0-9]+ ' "$build/ctest.log" | tail -n 1 | cut -c 1-70 || true)" \
        "$(find "$reports" -type f | wc -l)"
done
wait "$running" || status=$?
trap - EXIT

passed=$(grep -a 'tests passed' "$build/ctest.log" | tail -n 1 || true)
count=$(cat "$reports"/* 2>/dev/null | grep -a -c '^WARNING: ThreadSanitizer' || true)
if ((count > 0)); then
    rm -rf "$kept" && cp -r "$reports" "$kept"
    grep -a -h '^SUMMARY' "$reports"/* | sort | uniq -c | sort -rn | head -n 20
    echo "threads: FAILED: $count reports, all of them in $kept; ${passed:-the tests did not end}"
    exit 1
fi
if ((status != 0)); then
    sed -n '/The following tests FAILED/,$p' "$build/ctest.log"
    echo "threads: FAILED: ${passed:-the tests did not end}; see $build/ctest.log; 0 reports"
    exit 1
fi
echo "threads: passed: 0 reports, $passed"
