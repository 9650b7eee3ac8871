#!/usr/bin/env bash
# What: recorded editing of real people, every keystroke through a server to several clients
# Takes: about 20 minutes, by the disk
# Packages: -
# Targets: tandemd tandem tandem-replay
set -euo pipefail
source tests/soak/options.bash

usage() {
    cat <<TEXT
./dev soak replay [--data FOLDER] [--edits N] [--once]

Replays each trace of FOLDER (default ../shared/data/editing-traces, which is not part of the
repository) twice: as fast as it can be typed, and so that everybody has each keystroke before the
next is typed. --once leaves the second out; --edits N replays the first N keystrokes of each.
\`./dev replay\` replays a single one, and tells its figures.
TEXT
}

data=../shared/data/editing-traces edits=() ways=("" --each)
while (($#)); do
    case $1 in
    --help) usage && exit 0 ;;
    --data) need_value "$@" && data=$2 && shift 2 ;;
    --edits) need_count "$@" && edits=(--edits "$2") && shift 2 ;;
    --once) ways=("") && shift ;;
    *) misused "There is no option $1." ;;
    esac
done

shopt -s nullglob
traces=("$data"/*.json.gz)
((${#traces[@]})) || { echo "replay: FAILED: there are no traces (*.json.gz) in $data"; exit 1; }

export TMPDIR=$TANDEM_SOAK_DIR
replayed=0
for trace in "${traces[@]}"; do
    for way in "${ways[@]}"; do
        echo "== $(basename "$trace" .json.gz) $way"
        "$TANDEM_BUILD/bin/tandem-replay" ${way:+"$way"} "${edits[@]}" "$trace" || {
            echo "replay: FAILED: $(basename "$trace") $way"
            exit 1
        }
        replayed=$((replayed + 1))
    done
done
echo "replay: passed: $replayed replays of ${#traces[@]} traces"
