#!/usr/bin/env bash
# Simulates the whole server, from random seeds, for a while.
#
#   TIME=10m scripts/simulate.sh                  random seeds
#   TIME=10m SEED=1000 scripts/simulate.sh        1000, 1001, ...
#   TIME=1h SEEDS=10000 scripts/simulate.sh       so many, or for an hour
#   JSON=counts.json MARKDOWN=counts.md scripts/simulate.sh   the counts in files, too
#   JOBS=1 scripts/simulate.sh                    one run at a time
#   COVER=cover.out SEEDS=1000 scripts/simulate.sh   which statements of the server were reached,
#                                                 a profile for go tool cover -html
#
# Shows how it goes, then counts what was done to the server, by kind. The exit status
# is 1 if a seed failed; the command that replays it is in the output.
set -euo pipefail
TIME=${TIME:-1m}
json=${JSON:+$(realpath -m "$JSON")}
markdown=${MARKDOWN:+$(realpath -m "$MARKDOWN")}
cover=${COVER:+$(realpath -m "$COVER")}
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reached=sarang/engine,sarang/internal/room,sarang/internal/hub,sarang/internal/gateway,sarang/internal/gateway/native,sarang/internal/gateway/ws
go test -c ${cover:+-cover -coverpkg="$reached"} -o "$work/simulate.test" ./internal/simulate
cd internal/simulate # where the test expects to be
"$work/simulate.test" ${cover:+-test.coverprofile="$cover"} -test.run '^TestLong$' -test.timeout 0 -long "$TIME" -first "${SEED:-0}" \
  -most "${SEEDS:-0}" -jobs "${JOBS:-0}" -json "$json" -markdown "$markdown"
