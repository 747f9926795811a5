#!/usr/bin/env bash
# Kills the server at random moments under load, and checks from outside that it keeps
# its promises: every driver of this machine, with one worker and with two.
#
#   scripts/crash.sh             200 kills each, about two minutes each
#   KILLS=20 scripts/crash.sh
#   scripts/crash.sh --seed 7    more flags of tests/crash, see --help
#
# The exit status is 0 only if every promise was kept.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/sarang" ./cmd/sarang && go build -o "$work/crash" ./tests/crash || exit 1
failed=0
for workers in 1 2; do
  for kind in ${IO:-uring epoll}; do
    "$work/crash" --binary "$work/sarang" --kills "${KILLS:-200}" --io "$kind" --workers "$workers" \
      --sync "${SYNC:-power-safe}" "$@" || failed=1
  done
done
exit "$failed"
