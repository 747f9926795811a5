#!/usr/bin/env bash
# Attacks a real server in every way that tests/hostile knows, on every driver of this
# machine, and shows what clients that behave noticed of it.
#
#   scripts/hostile.sh                             all attacks: some twelve minutes a driver
#   scripts/hostile.sh --short --seconds 3        those that show something at once
#   scripts/hostile.sh --attack join-leave --trusted none
#   IO=epoll scripts/hostile.sh                    one driver
#
# The exit status is 1 if a promise was broken on any driver.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go build -o "$work/" ./cmd/sarang ./tests/hostile || exit 1
failed=0
for kind in ${IO:-uring epoll}; do
  "$work/hostile" --binary "$work/sarang" --io "$kind" "$@" || failed=1
done
exit "$failed"
