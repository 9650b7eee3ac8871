#!/usr/bin/env bash
# What: a million edits of one note by three to five clients, over a network that breaks, under a virtual clock
# Takes: about an hour
# Packages: -
# Targets: test_sim
set -euo pipefail
. tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak typing [--edits N] [--seed FIRST] [--jobs N]

Lets three to five clients edit one note in the simulator, about 1,500 edits a seed, until N edits
(default 1,000,000) were made: at the same time, offline, over connections that are cut, stall and
come back, while processes and the server die. At the end of each seed all clients and the server have
one text, with every character that somebody typed and nobody deleted. --jobs (default 2): so many
seeds at a time. A seed that differs leaves its script, typing-SEED.txt, in the folder this was
started in: ./dev soak sim --again FILE tells all of it.
TEXT
}

edits=1000000 first=1 jobs=2
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --edits) need_count "$@" && edits=$2 && shift 2 ;;
    --seed) need_number "$@" && first=$2 && shift 2 ;;
    --jobs) need_count "$@" && jobs=$2 && shift 2 ;;
    *) misused "There is no option $1." ;;
    esac
done

sim=$TANDEM_BUILD/tests/test_sim
kept=$PWD
say_every=20 # seconds

# ---- A script ----------------------------------------------------------------------------------

# Below what the simulator takes: lines, and characters it can tell apart.
lines_most=380 edits_most=1500

put() { printf '%d %s\n' "$((line += 1))" "$*"; }

# No chance is drawn in a subshell, which has a series of its own.
choose() { who=d$((RANDOM % typists)); }

type_some() { # COUNT, by `who`
    local how=
    ((RANDOM % 5 < 2)) || how=" quickly"
    put "type $who note#0 $1$how"
    planned=$((planned + $1))
}

# Everybody sees the note, partners too.
open_to_all() {
    local partner account
    for partner in 0 1; do
        for account in 0 1 2 3; do put "grant d0 partner#$partner account#$account edit"; done
    done
    put "share d0 note#0 partners"
    put "wait 30s"
}

type_away() {
    local away others=$((1 + RANDOM % 4))
    choose && away=$who
    put "offline $away"
    for (( ; others > 0; others--)); do
        who=$away && type_some $((1 + RANDOM % 8))
        choose && type_some $((1 + RANDOM % 8))
    done
    ((RANDOM % 4)) || put "wait $((1 + RANDOM % 10))h"
    put "online $away"
}

cut() {
    local after=$((RANDOM % 3000)) how=
    ((RANDOM % 4)) || how=" silently"
    put "cut $who after $after$how"
}

crash() { # `who`, or the server
    case $((RANDOM % 6)) in
    0) put "crash server now" ;;
    1) put "crash server write $((1 + RANDOM % 4)) lose some" ;;
    2) put "crash $who write $((1 + RANDOM % 4)) lose none" ;;
    3) put "crash $who now" ;;
    *) put "restart $who" ;;
    esac
}

make_script() { # SEED
    local line=0 planned=0 typists who
    RANDOM=$1
    typists=$((3 + RANDOM % 3))
    echo "seed $1"
    open_to_all
    while ((line < lines_most && planned < edits_most)); do
        choose
        case $((RANDOM % 30)) in
        0 | 1) type_away ;;
        2 | 3) cut ;;
        4) put "stall $who $((1 + RANDOM % 40))s" ;;
        5) crash ;;
        6 | 7) put "wait $((RANDOM % 5000))ms" ;;
        8) type_some $((20 + RANDOM % 40)) ;;
        *) type_some $((1 + RANDOM % 6)) ;;
        esac
    done
    put quiet
}

# ---- Seeds -------------------------------------------------------------------------------------

# Seeds number, number + jobs, ... until it has made its share of the edits.
work() { # NUMBER
    local seed=$((first + $1)) share=$(((edits + jobs - 1) / jobs)) made=0 seeds=0 told=$SECONDS
    local here=$TANDEM_SOAK_DIR/$1 script
    mkdir "$here"
    while ((made < share)) && [[ ! -e $TANDEM_SOAK_DIR/failed ]]; do
        script=$here/typing-$seed.txt
        make_script "$seed" >"$script"
        if ! TRACE=1 "$sim" "$script" >"$here/trace" 2>"$here/said"; then
            cp "$script" "$kept"
            echo "seed $seed: $(tail -n 1 "$here/said"); its script is typing-$seed.txt" >"$TANDEM_SOAK_DIR/failed"
            return 1
        fi
        made=$((made + $(grep -cE ' (types characters|takes back).*: ok$' "$here/trace")))
        seeds=$((seeds + 1)) seed=$((seed + jobs))
        rm "$script"
        echo "$made $seeds" >"$here/figures"
        if ((SECONDS - told >= say_every)); then
            echo "$1: $made of $share edits, $seeds seeds"
            told=$SECONDS
        fi
    done
}

echo "seeds from $first on"
workers=() status=0
for ((i = 0; i < jobs; i++)); do
    work "$i" & workers+=($!)
done
for worker in "${workers[@]}"; do wait "$worker" || status=1; done
if ((status)) || [[ -e $TANDEM_SOAK_DIR/failed ]]; then
    echo "typing: FAILED: $(cat "$TANDEM_SOAK_DIR/failed" 2>/dev/null || echo "a worker ended")"
    exit 1
fi
cat "$TANDEM_SOAK_DIR"/*/figures |
    awk '{ e += $1; s += $2 } END { printf "typing: passed: %d edits by three to five clients in %d seeds\n", e, s }'
