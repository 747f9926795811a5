#!/usr/bin/env bash
# Breaks the server on purpose, in one way after the other, and shows after how many
# seeds the simulation notices. The sources stay as they are.
#
#   scripts/mutations.sh                      all: half a minute each on a busy machine
#   scripts/mutations.sh few                  some of them
#   scripts/mutations.sh 'wake-up|hint'       those whose name or promise has one of these in it
#   MARKDOWN=table.md scripts/mutations.sh    the table in a file, too
#
# For some it shows as well after how many seeds clients notice by what they are told
# alone (linearizability). The exit status is 1 if one was not noticed.
set -euo pipefail
markdown=${MARKDOWN:+$(realpath -m "$MARKDOWN")}
cd "$(dirname "$0")/.."
exec go test ./internal/simulate -run '^TestMutations$' -mutate "${1:-all}" -markdown "$markdown" -count 1 -timeout 90m -v
