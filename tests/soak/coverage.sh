#!/usr/bin/env bash
# What: line and branch coverage of the tests; commit, gate and decoders have no unexplained gap
# Takes: about 6 minutes
# Packages: lcov
# Targets: -
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<'TEXT'
./dev soak coverage [--reuse] [--build FOLDER]

Builds everything in build-coverage with gcov's counters, runs the tests of ./dev test there, and
prints which part of each layer's lines and branches they take. Then, for what must have no gaps
(the committer, the gate, what decodes bytes of others), every branch never taken: each has to be
listed with its reason in tests/coverage/explained.txt, by the text of its line.

Branches of assert() are left out: the other one is never to be taken. arrows_symbols is not run,
since the counters bring symbols of their own into every archive.

  --reuse         only judge what the last run left
  --build FOLDER  instead of build-coverage
TEXT
}

die() { echo "coverage: FAILED: $*"; exit 1; }

# Where every branch is taken or explained.
complete=(
    server/commit/commit.c server/commit/log_local.c
    server/core/access/access.c server/core/access/access_rights.c
    server/core/access/open_scopes.c server/core/access/principal.c
    protocol/wire_read.c protocol/wire_token.c protocol/wire_utf8.c protocol/wire_validate.c
    protocol/message.c protocol/schema_check.c protocol/schema_parse.c
    protocol/schema_structured.c protocol/schema_time.c protocol/schema_custom.c
    server/core/command.c server/core/record/record.c server/store/layout.c
    server/store/table_meta.c protocol/sum.c
    client-lib/base/record_view.c client-lib/outbox/outbox_entry.c
)
explained=tests/coverage/explained.txt
build=build-coverage reuse=
while (($#)); do
    case $1 in
    --reuse) reuse=1 && shift ;;
    --build) need_value "$@" && build=$2 && shift 2 ;;
    --help) usage && exit 0 ;;
    *) misused "There is no option $1." ;;
    esac
done
info=$build/coverage.info
gaps=$TANDEM_SOAK_DIR/gaps

run_tests() {
    local status=0
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DTANDEM_TESTS=ON \
        -DCMAKE_C_FLAGS="--coverage -fprofile-update=atomic" >"$TANDEM_SOAK_DIR/cmake.log" ||
        die "cmake: $(tail -n 1 "$TANDEM_SOAK_DIR/cmake.log")"
    echo "Building $build"
    ninja -C "$build" --quiet >"$build/build.log" || die "the build: see $build/build.log"
    find "$build" -name '*.gcda' -delete
    ctest --test-dir "$build" -j "$(nproc)" -E '^arrows_symbols$' --output-on-failure \
        >"$build/ctest.log" 2>&1 || status=$?
    grep 'tests passed' "$build/ctest.log" || true
    ((status == 0)) || die "tests: see $build/ctest.log"
}

capture() {
    local folders=()
    for folder in protocol server client-lib cli demo; do
        folders+=(-d "$build/$folder")
    done
    lcov --quiet --rc lcov_branch_coverage=1 --rc 'lcov_excl_br_line=LCOV_EXCL_BR_LINE|\bassert\(' \
        --capture --no-external --base-directory "$PWD" "${folders[@]}" -o "$info" \
        2>"$TANDEM_SOAK_DIR/lcov.log" || die "lcov: $(tail -n 1 "$TANDEM_SOAK_DIR/lcov.log")"
}

# Whether explained.txt has a line "PATH: SOURCE => REASON" for it.
is_explained() { # PATH SOURCE
    grep -qF -- "$1: $2 => " "$explained"
}

report_gaps() {
    local path line missed of source open=0 closed=0 files=0
    awk -v root="$PWD" -f tests/coverage/gaps.awk "$info" | sort -t '|' -k 1,1 -k 2,2n >"$gaps"
    for path in "${complete[@]}"; do
        grep -qxF "SF:$PWD/$path" "$info" || die "$path has not been measured: moved?"
        files=$((files + 1))
        while IFS='|' read -r _ line missed of; do
            source=$(sed -n "${line}s/^ *//p" "$path")
            if is_explained "$path" "$source"; then
                closed=$((closed + 1))
            else
                open=$((open + 1))
                echo "  $path:$line: $missed of $of branches never taken: $source"
            fi
        done < <(grep -F "$path|" "$gaps" || true)
    done
    ((open == 0)) || die "$open lines of commit, gate and decoders have branches never taken, unexplained"
    echo "coverage: passed: all branches of $files files of commit, gate and decoders taken," \
        "but $closed lines explained in $explained"
}

[[ $reuse ]] || run_tests
capture
awk -v root="$PWD" -f tests/coverage/layers.awk "$info"
report_gaps
