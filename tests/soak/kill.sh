#!/usr/bin/env bash
# What: a server killed under load, 200 times, and it or a client while people type: nothing is lost
# Takes: about 9 minutes
# Packages: -
# Targets: kill_rounds kill_typists kill_writer writer tandemd tandem
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak kill [--rounds N] [--seed N]

A server on one store is killed (SIGKILL) in the middle of the work of several writers and watchers
and started again, in N rounds (200). Checked in each: what was acknowledged is stored, a mutation
sent again gets its first answer, no seq is used twice, watchers go on at their cursor and end with
what a new replica gets; every tenth round, and at the end, the whole store (tandemd check). Then the
same in half as many rounds while five people type in one note: the version that somebody was told of
is stored, and all end with one text that has every letter that nobody deleted, once. Then a program
that types in a note is killed in as many rounds, now and then the server with it: each word that was
taken is in the server's text, once.
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

export TMPDIR=$TANDEM_SOAK_DIR
told=()

# part PROGRAM [OPTION...]: its last line is "WHAT: passed: FIGURES".
part() {
    local line
    line=$("$TANDEM_BUILD/tests/$1" --seed "$seed" "${@:2}") || {
        echo "kill: FAILED: ${line:-$1 ended without a word}"
        exit 1
    }
    echo "$line"
    told+=("${line#*: passed: }")
}

part kill_rounds --rounds "$rounds" --check-every 10
part kill_typists --rounds $(((rounds + 1) / 2))
part kill_writer --rounds $(((rounds + 1) / 2)) --note
echo "kill: passed: ${told[0]}; typists: ${told[1]}; a program that types: ${told[2]}"
