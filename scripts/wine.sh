#!/usr/bin/env bash
# Runs Windows programs and the Windows tests on Linux, under Wine.
#
#   scripts/wine.sh prepare             Wine and a prefix for it; nothing to do twice
#   scripts/wine.sh exec PROGRAM ARGS   one Windows program; for go test, too:
#                                       GOOS=windows go test -exec "$PWD/scripts/wine.sh exec" ./packet
#   scripts/wine.sh build OUT PACKAGE   a Windows program that runs under Wine
#   scripts/wine.sh test [PACKAGE...]   the Windows tests, of all packages if none is named;
#                                       the last line counts them
#   scripts/wine.sh short               of the packages with most code for Windows only, which
#                                       is what make test runs
#   scripts/wine.sh stop                end what still runs in the prefix
#
# Where Wine is not there and can not be installed (which takes Debian and root),
# "test" says "skipped: ..." with the reason and counts that as one skipped test.
# The prefix lies in ${XDG_CACHE_HOME:-~/.cache}/sarang-wine, or where SARANG_WINE
# says.
set -uo pipefail
. "$(dirname "$0")/lib.sh"

cache=${SARANG_WINE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sarang-wine}
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=${TMPDIR:-/tmp}/sarang-wine-$(id -u)
export WINEPREFIX=$cache/prefix
export WINEDEBUG=${WINEDEBUG:--all}
# Without these two Wine offers to download Mono and Gecko.
export WINEDLLOVERRIDES='mscoree,mshtml='
unset DISPLAY WAYLAND_DISPLAY

mingw=x86_64-w64-mingw32-gcc

# Debian keeps the 64-bit loader beside its libraries, not on the PATH.
find_wine() {
  local candidate
  for candidate in /usr/lib/wine/wine64 wine64 wine; do
    if wine=$(command -v "$candidate"); then
      server=$(command -v /usr/lib/wine/wineserver64 || command -v wineserver)
      return
    fi
  done
  return 1
}

install_packages() {
  find_wine && command -v "$mingw" >/dev/null && return
  if [ "$(uname -m)" != x86_64 ]; then
    echo "skipped: 64-bit Windows programs need an x86_64 machine" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "skipped: Wine and $mingw are not there; on Debian, root installs them with" \
      "apt-get install wine wine64 gcc-mingw-w64-x86-64" >&2
    return 1
  fi
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
    wine wine64 gcc-mingw-w64-x86-64; } >"$cache/install.log" 2>&1 && find_wine && return
  echo "skipped: Wine can not be installed:" >&2
  tail -3 "$cache/install.log" >&2
  return 1
}

# Go takes its random numbers from a library that Wine 8 does not have. It looks for
# it in the system's folder only.
make_library() {
  local dll=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
  [ -s "$dll" ] && return
  cat >"$cache/bcryptprimitives.c" <<'END'
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(void *out, ULONG bytes); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *out, SIZE_T bytes)
{
	const ULONG piece = 1 << 20;
	for (; bytes > piece; out += piece, bytes -= piece)
		if (!SystemFunction036(out, piece))
			return FALSE;
	return SystemFunction036(out, (ULONG)bytes);
}
END
  "$mingw" -O2 -s -shared -o "$cache/bcryptprimitives.dll" "$cache/bcryptprimitives.c" -ladvapi32 &&
    cp "$cache/bcryptprimitives.dll" "$dll"
}

prepare() {
  mkdir -p "$cache"
  install_packages || return
  if [ ! -f "$cache/ready" ]; then
    rm -rf "$WINEPREFIX"
    timeout 180 "$wine" wineboot -i >"$cache/boot.log" 2>&1 && make_library || {
      echo "skipped: Wine makes no prefix:" >&2
      tail -3 "$cache/boot.log" >&2
      return 1
    }
    "$server" -w
    touch "$cache/ready"
  fi
  make_library
}

# Wine 8 knows no deletion by handle in the newest way, and says so by a number after
# which Go does not try the older one, so that os.RemoveAll fails. Programs for Wine
# are built with one more number in that list.
make_overlay() {
  local source
  source=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
  sed 's/^\tcase STATUS_INVALID_INFO_CLASS,/\tcase NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,/' \
    "$source" >"$cache/at_windows.go"
  echo "{\"Replace\": {\"$source\": \"$cache/at_windows.go\"}}" >"$cache/overlay.json"
}

for_windows() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go "$@"; }

# left_out PACKAGE: why a package that has tests is not tested here; false if it is.
left_out() {
  case $1 in
  aio/aiosim | aio/aiotest | internal/simulate) echo "a simulation: no system behind it" ;;
  tests/hostile) echo "the attackers run on Linux" ;;
  internal/archtest) echo "looks at the sources only" ;;
  bench | bench/* | tools | tools/*) echo "no part of the product" ;;
  *) return 1 ;;
  esac
}

# packages: those with tests, the drivers first.
packages() {
  local all package
  all=$(for_windows list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...) || return
  echo aio
  for package in $all; do
    package=${package#*/}
    [ "$package" = aio ] || echo "$package"
  done
}

# skips PACKAGE: which of its tests Wine can not pass, or need not see.
skips() {
  case $1 in
  # A reset that comes while nobody reads is told as the end of the stream.
  aio) echo 'TestPortable.*Conformance/reset-during-recv|TestPortableLostBytes' ;;
  # The portable driver is Go's own network: what is above it is tested elsewhere, and
  # there is no system behind a simulation.
  *) echo '/^(portable|sim)$|//^(portable|sim)$' ;;
  esac
}

# variants PACKAGE: the build tags to test it with, one set a line.
variants() {
  case $1 in
  aio) echo sarang_debug ;;
  lock | mem) printf '\nsarang_debug\n' ;;
  *) echo ;;
  esac
}

passed=0 failed=0 skipped=0

# test_package PACKAGE TAGS: builds its tests, runs them in their folder, and counts.
test_package() {
  local package=$1 tags=$2 binary=$work/test.exe log=$work/log status p f s started=$SECONDS
  rm -f "$binary"
  if ! for_windows test -c -tags "$tags" -overlay "$cache/overlay.json" -o "$binary" "./$package" >"$log" 2>&1; then
    failed=$((failed + 1))
    echo "FAIL   $package does not build"
    cat "$log"
    return
  fi
  (cd "$package" && timeout -k 5 "$timeout" "$wine" "$binary" -test.v -test.short \
    -test.skip "$(skips "$package")" -test.timeout "$((timeout - 5))s" </dev/null) >"$log" 2>&1
  status=$?
  p=$(grep -c '^ *--- PASS:' "$log") f=$(grep -c '^ *--- FAIL:' "$log") s=$(grep -c '^ *--- SKIP:' "$log")
  # A crash, or a test without end, fails without a failing test.
  [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  [ "$package" = aio ] && conformance <"$log" | grep 'Conformance'
  package="$package${tags:+ ($tags)}"
  if [ "$f" -eq 0 ]; then
    echo "ok     $package $p passed, $s skipped, $((SECONDS - started)) s"
  else
    echo "FAIL   $package $p passed, $f failed, $s skipped, $((SECONDS - started)) s, status $status"
    grep -v '^ *--- PASS:\|^=== ' "$log" | tail -60
  fi
}

# across NAME COMMAND...: one thing that passes or fails.
across() {
  local name=$1 started=$SECONDS
  shift
  if "$@" >"$work/across.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $name, $((SECONDS - started)) s"
  else
    failed=$((failed + 1))
    echo "FAIL   $name"
    tail -20 "$work/across.log"
  fi
  [ -z "${server_pid:-}" ] || { kill -9 "$server_pid" && wait "$server_pid"; } 2>/dev/null
  server_pid=
}

# The chat server on completion ports under Wine; the swarm on this system checks every
# delivery.
serve_across() {
  for_windows build -overlay "$cache/overlay.json" -o "$work/sarang.exe" ./cmd/sarang &&
    go build -o "$work/sarang" ./cmd/sarang &&
    PIN=$wine sarang=$work/sarang.exe start_server across --io iocp &&
    "$work/sarang" swarm --addr "$server_addr" --clients 100 --rooms 5 --messages 500 --stalled 5 --churn 5 --quiet
}

# The same with the example's server and its dummies.
chatting_across() {
  local addr i
  for_windows build -overlay "$cache/overlay.json" -o "$work/chatting.exe" ./examples/chatting &&
    go build -o "$work/chatting" ./examples/chatting || return
  "$wine" "$work/chatting.exe" server --listen 127.0.0.1:0 --db "$work/chatting.db" --io iocp >"$work/chatting.out" &
  server_pid=$!
  for ((i = 0; i < 100; i++)); do
    addr=$(sed -n 's/^listening on \([0-9.:]*\).*/\1/p' "$work/chatting.out")
    [ -n "$addr" ] && break
    sleep 0.1
  done
  "$work/chatting" client --addr "$addr" --clients 50 --messages 10 --duration 0
}

# short are the packages that "short" tests.
short='aio engine internal/store/sqlite cmd/sarang'

# test_all [PACKAGE...]: those packages; without any all, and the programs across.
test_all() {
  local reason package tags all across=${across:-}
  timeout=${TIMEOUT:-150} # seconds for one package
  if ! reason=$(prepare 2>&1); then
    echo "$reason"
    echo "0 passed, 0 failed, 1 skipped"
    return
  fi
  find_wine
  make_overlay
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  [ $# -gt 0 ] || { mapfile -t all < <(packages); across=yes; }
  for package in "${@:-${all[@]}}"; do
    package=${package#./}
    if reason=$(left_out "$package"); then
      echo "-      $package left out: $reason"
      continue
    fi
    while read -r tags; do
      test_package "$package" "$tags"
    done < <(variants "$package")
  done
  if [ -n "$across" ]; then
    across "sarang.exe serve under Wine, swarm on this system" serve_across
    across "chatting.exe server under Wine, dummies on this system" chatting_across
  fi
  echo "$passed passed, $failed failed, $skipped skipped, $SECONDS s"
  [ "$failed" -eq 0 ]
}

case ${1:-} in
prepare) prepare ;;
exec)
  shift
  find_wine || { echo "there is no Wine: run $0 prepare" >&2; exit 1; }
  exec "$wine" "$@"
  ;;
build)
  mkdir -p "$cache" && make_overlay && for_windows build -overlay "$cache/overlay.json" -o "$2" "$3"
  ;;
test)
  shift
  cd "$(dirname "$0")/.." && test_all "$@"
  ;;
short)
  cd "$(dirname "$0")/.." && across=yes test_all $short
  ;;
stop) find_wine && "$server" -k || true ;;
*)
  sed -n '2,/^set/{/^# \?/s///p}' "$0" >&2
  exit 2
  ;;
esac
