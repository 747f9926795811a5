#!/usr/bin/env bash
# Breaks the server on purpose, in one way after the other, and shows after how many
# seeds the simulation notices. The sources stay as they are.
#
#   scripts/mutations.sh            all, about five minutes
#   scripts/mutations.sh few        three of them
#   scripts/mutations.sh wake-up    those whose name has this in it
#
# The exit status is 1 if one was not noticed.
set -euo pipefail
cd "$(dirname "$0")/.."
exec go test ./internal/simulate -run '^TestMutations$' -mutate "${1:-all}" -count 1 -timeout 60m -v
