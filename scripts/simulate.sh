#!/usr/bin/env bash
# Simulates the whole server, from random seeds, for a while.
#
#   TIME=10m scripts/simulate.sh             random seeds
#   TIME=10m SEED=1000 scripts/simulate.sh   1000, 1001, ...
#
# Shows how it goes, then counts what was done to the server. The exit status is 1 if
# a seed failed; the command that replays it is in the output.
set -euo pipefail
cd "$(dirname "$0")/.."
TIME=${TIME:-1m}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/simulate.test" ./internal/simulate
cd internal/simulate # where the test expects to be
"$work/simulate.test" -test.run '^TestLong$' -test.timeout 0 -long "$TIME" -first "${SEED:-0}"
