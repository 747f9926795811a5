#!/usr/bin/env bash
# Has everything go wrong with a server's PostgreSQL, under load, and checks from outside
# that the server keeps its promises.
#
#   scripts/faults.sh              200 faults, about nine minutes
#   FAULTS=32 scripts/faults.sh    two of each kind
#   scripts/faults.sh --seed 7     more flags of tests/faults, see --help
#
# The exit status is 0 only if every promise was kept.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go run ./tests/faults --faults "${FAULTS:-200}" "$@"
