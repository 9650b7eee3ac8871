#!/usr/bin/env bash
# What: peers that are half open, silent, slow, flooding or mutated, and what an honest client feels
# Takes: about 25 minutes
# Packages: -
# Targets: tandemd tandem hostile_peers
set -euo pipefail

if [[ ${1-} == --help ]]; then
    exec "${TANDEM_BUILD:-build}/tests/hostile_peers" --help
fi
export TMPDIR=$TANDEM_SOAK_DIR
exec "$TANDEM_BUILD/tests/hostile_peers" "$@"
