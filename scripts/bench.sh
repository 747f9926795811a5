#!/usr/bin/env bash
# The measurements that docs/benchmarks.md talks about: Sarang beside the floor and
# beside other servers. The suite is bench/, a Go module of its own; all arguments go
# to it.
#
#   scripts/bench.sh                     everything that is installed
#   scripts/bench.sh --quick             a smoke run of about a minute
#   scripts/bench.sh --help              what can be chosen
#   scripts/bench.sh peers [ARGS...]     installs the other servers first (Debian, root)
#
# The report goes to standard output and, with the figures as JSON and a picture, to
# bench/out. Linux; two cores, and a C compiler for the floor.
set -euo pipefail
cd "$(dirname "$0")/.."

# install_peers installs the servers of others. Their packages start them as services on
# the usual ports; the suite starts its own, so those are kept from starting.
install_peers() {
  local policy=/usr/sbin/policy-rc.d own=
  if [ ! -e "$policy" ]; then
    own=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local status=0
  { apt-get update -q && apt-get install -qy --no-install-recommends redis-server inspircd mosquitto gcc libc6-dev; } || status=$?
  [ -z "$own" ] || rm -f "$policy"
  return "$status"
}

if [ "${1:-}" = peers ]; then
  shift
  missing=
  for tool in redis-server inspircd mosquitto cc; do
    PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || missing="$missing $tool"
  done
  if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
      echo "not installed:$missing; this script installs them on Debian, run as root" >&2
      exit 1
    fi
    install_peers >&2
  fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Built and not run by "go run", so that Ctrl-C and SIGTERM are for it alone.
go -C bench build -trimpath -o "$work/bench" ./cmd/bench
status=0
"$work/bench" "$@" || status=$?
exit "$status"
