#!/usr/bin/env bash
# Runs the server under load for long and says whether anything has grown.
#
#   scripts/soak.sh                         an hour for each driver of this machine
#   DURATION=30s IO=epoll scripts/soak.sh
#   OUT=folder scripts/soak.sh              where samples, report and plot go
#   scripts/soak.sh --clients 2000          more flags of tests/soak, see --help
#
# The exit status is 0 only if nothing has grown and everything came back.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-$(mktemp -d)}
failed=0
for kind in ${IO:-uring epoll}; do
  go run ./tests/soak --duration "${DURATION:-1h}" --io "$kind" --workers "${WORKERS:-2}" --out "$out/$kind" "$@" || failed=1
done
exit "$failed"
