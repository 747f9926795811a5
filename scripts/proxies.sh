#!/usr/bin/env bash
# The configurations of docs/proxies with real proxies before the real server.
#
#   scripts/proxies.sh              installs nginx, HAProxy and Caddy (Debian, root), and tries them
#
# What can not be installed is skipped, and the test says so. The packages' own services are
# not started.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v nginx >/dev/null && [ -e /etc/nginx/modules-enabled/50-mod-stream.conf ] || missing+=(nginx-light libnginx-mod-stream)
command -v haproxy >/dev/null || missing+=(haproxy)
command -v caddy >/dev/null || missing+=(caddy)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then # by which Debian asks whether a service may start
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod +x "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    { apt-get update -q && apt-get install -qy --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 ||
      echo "some could not be installed"
  else
    echo "not installed, and skipped: ${missing[*]}"
  fi
fi
go test -count=1 -v -run 'Nginx|HAProxy|Caddy' ./tests/proxies
