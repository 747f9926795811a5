#!/usr/bin/env bash
# End to end: the real binary, put under load by swarm, which checks every delivery.
#
#   scripts/e2e.sh            about three minutes
#   SECONDS_EACH=20 scripts/e2e.sh
#
# Each case prints what it measured; the exit status is 0 only if all passed.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
each=${SECONDS_EACH:-4}
failed=0
server_pid=
trap 'kill -9 "$server_pid" 2>/dev/null; rm -rf "$work"' EXIT
. scripts/lib.sh

sarang=$work/sarang-bin
go build -o "$sarang" ./cmd/sarang || exit 1
go build -o "$work/" ./tests/crash ./tests/soak || exit 1

# swarm ARGS...: one line of figures; fails if anything was lost, doubled, out of order
# or changed.
swarm() {
  local status=0
  "$sarang" swarm --addr "$server_addr" --json --quiet "$@" >"$work/report.json" || status=1
  tr -d '\n' <"$work/report.json" | sed 's/[{}"]//g; s/  */ /g' | grep -oE \
    '\b(clients|published|acked|expected|delivered|lost|duplicated|reordered|corrupted|reconnects|deliveries_per_second|catch_up_seconds): [0-9.]+' | tr '\n' ' '
  echo
  return "$status"
}

check() {
  local name=$1
  shift
  echo "-- $name"
  if ! "$@"; then
    echo "-- FAILED: $name"
    failed=1
  fi
}

case_load() {
  start_server "load-$1" --io "$1" --workers "$2" && swarm --clients 2000 --rooms 20 --duration "${each}s" && stop_server
}

case_stalled() {
  start_server "stalled-$1" --io "$1" --workers "$2" &&
    swarm --clients 2000 --rooms 20 --duration "${each}s" --stalled 50 --churn 20 && stop_server
}

# The server is killed in the middle of the run and started again on its data and its
# address; the clients come back by themselves.
case_kill() {
  start_server "kill-$1" --io "$1" || return
  local addr=$server_addr
  swarm --clients 300 --rooms 10 --duration "$((each + 2))s" &
  local load=$!
  for _ in 1 2; do
    sleep 2
    kill -9 "$server_pid"
    wait "$server_pid" 2>/dev/null
    LISTEN=$addr start_server "kill-$1" --io "$1" || return
  done
  wait "$load" && stop_server
}

# Killed at ten random moments; what was promised is compared with what is stored.
case_crash() {
  "$work/crash" --binary "$sarang" --kills 10 --io "$1" --workers 2
}

# Half a minute in which nothing may grow.
case_soak() {
  "$work/soak" --binary "$sarang" --duration "${SOAK:-30s}" --io "$1" --workers 2 --out "$work/soak-$1"
}

kinds=""
for kind in uring epoll; do
  if start_server "probe-$kind" --io "$kind" 2>/dev/null; then
    stop_server
    kinds="$kinds $kind"
  else
    echo "-- skipped: $kind is not available on this machine"
  fi
done
for kind in $kinds; do
  check "$kind: 2000 clients in 20 rooms" case_load "$kind" 1
  check "$kind, two workers: the same, 50 stalled, 20 reconnects per second" case_stalled "$kind" 2
  check "$kind: kill -9 twice in the middle of a run" case_kill "$kind"
  check "$kind: killed at ten random moments, promises checked from outside" case_crash "$kind"
  check "$kind: nothing grows" case_soak "$kind"
done
exit "$failed"
