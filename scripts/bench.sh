#!/usr/bin/env bash
# The figures of docs/benchmarks.md: server CPU time per delivery beside the floor, and
# memory per idle session.
#
#   scripts/bench.sh                 all, some minutes
#   REPEAT=5 SECONDS_EACH=5 scripts/bench.sh
#   IDLE=15000 scripts/bench.sh idle     only the memory of so many idle sessions
#
# The server is pinned to core 0, the clients to core 1. Floor and drivers take turns,
# and medians are printed: compare within one run only. Linux; needs a C compiler for
# the floor, and two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
repeat=${REPEAT:-3}
each=${SECONDS_EACH:-4}
idle=${IDLE:-15000}
server_pid=
trap '[ -n "$server_pid" ] && kill -9 "$server_pid" 2>/dev/null; rm -rf "$work"' EXIT
. scripts/lib.sh

sarang=$work/sarang-bin
go build -trimpath -o "$sarang" ./cmd/sarang
cc -O2 -o "$work/floor" bench/floor.c
PIN="taskset -c 0"

# field NAME FILE: a number of a JSON object.
field() { sed -n 's/.*"'"$1"'": *\([0-9.e+-]*\).*/\1/p' "$2" | head -n 1; }

# row KEY FILE NAME...: notes the fields of a measurement.
row() {
  local key=$1 file=$2 line=$1
  shift 2
  for name in "$@"; do line="$line $(field "$name" "$file")"; done
  echo "$line" >>"$work/rows"
  echo "  $line" >&2
}

# Frames of a 64-byte text have 117 to 119 bytes: that is what the floor sends.
fanout() {
  local io=$1 window=$2
  start_server "fan-$io-$window" --io "$io"
  taskset -c 1 "$sarang" swarm --addr "$server_addr" --clients 1000 --rooms 1 --publishers 1 --window "$window" \
    --size 64 --duration "${each}s" --server-pid "$server_pid" --json --quiet >"$work/r.json"
  row "sarang-$io,$window" "$work/r.json" server_cpu_us_per_delivery deliveries_per_second p50 p99 p999
  stop_server
}

floor() {
  "$work/floor" "$1" --receivers 1000 --bytes 118 --window "$2" --seconds "$each" | tr ',' '\n' >"$work/f.json"
  row "floor-$1,$2" "$work/f.json" cpu_us_per_delivery deliveries_per_second
}

# median of column C of the rows of KEY.
median() {
  awk -v key="$1" -v c="$2" '$1 == key { print $c }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}

fanout_all() {
  echo "one durable room, 1000 receivers, one publisher, 64-byte texts; $repeat runs of ${each} s each" >&2
  for ((i = 0; i < repeat; i++)); do
    for window in 1 16 64; do
      floor uring $window
      fanout uring $window
      floor send $window
      fanout epoll $window
    done
  done
  echo
  echo "| server CPU per delivery, µs | window 1 | window 16 | window 64 |"
  echo "|---|---|---|---|"
  for who in floor-uring sarang-uring floor-send sarang-epoll; do
    printf '| %s |' "$who"
    for window in 1 16 64; do
      local base=floor-uring v
      [ "$who" = sarang-epoll ] && base=floor-send
      v=$(median "$who,$window" 2)
      case $who in
      floor*) printf ' %.3f |' "$v" ;;
      *) awk -v v="$v" -v f="$(median "$base,$window" 2)" 'BEGIN { printf " %.3f (%.2f × floor) |", v, v / f }' ;;
      esac
    done
    echo
  done
  echo
  echo "| deliveries per second; latency p50 / p99 / p99.9, ms | window 1 | window 16 | window 64 |"
  echo "|---|---|---|---|"
  for who in sarang-uring sarang-epoll; do
    printf '| %s |' "$who"
    for window in 1 16 64; do
      printf ' %.0f; %s / %s / %s |' "$(median "$who,$window" 3)" "$(median "$who,$window" 4)" "$(median "$who,$window" 5)" "$(median "$who,$window" 6)"
    done
    echo
  done
}

# Memory: resident bytes of the server with so many joined sessions that do nothing,
# less those of the same server with none, by session.
idle_all() {
  echo
  echo "| idle joined sessions | driver | user-space bytes per session | join, s |"
  echo "|---|---|---|---|"
  for io in uring epoll; do
    start_server "idle-$io" --io "$io"
    taskset -c 1 "$sarang" swarm --addr "$server_addr" --clients "$idle" --rooms "$((idle / 100))" --idle --duration 5s \
      --server-pid "$server_pid" --json --quiet >"$work/r.json"
    printf '| %s | %s | %.0f | %.2f |\n' "$idle" "$io" "$(field server_rss_bytes_per_session "$work/r.json")" "$(field join_seconds "$work/r.json")"
    stop_server
  done
}

[ "${1:-all}" = idle ] || fanout_all
idle_all
