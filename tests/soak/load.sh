#!/usr/bin/env bash
# What: 1,000 clients that work, come and go, and whether memory and descriptors stay flat
# Takes: about 31 minutes
# Packages: -
# Targets: tandemd soak_load
set -euo pipefail

if [[ ${1-} == --help ]]; then
    exec "${TANDEM_BUILD:-build}/tests/soak_load" --help
fi
export TMPDIR=$TANDEM_SOAK_DIR
exec "$TANDEM_BUILD/tests/soak_load" "$@"
