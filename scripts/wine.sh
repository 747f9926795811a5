#!/usr/bin/env bash
# Runs Windows programs and the Windows tests on Linux, under Wine.
#
#   scripts/wine.sh prepare             Wine and a prefix for it; nothing to do twice
#   scripts/wine.sh exec PROGRAM ARGS   one Windows program (also for go test -exec)
#   scripts/wine.sh build OUT PACKAGE   a Windows program that runs under Wine
#   scripts/wine.sh test [PACKAGE...]   the Windows tests; the last line counts them
#   scripts/wine.sh stop                end what still runs in the prefix
#
# Where Wine is not there and can not be installed (which takes Debian and root),
# "test" says "skipped: ..." with the reason and counts that as one skipped test.
# The prefix lies in ${XDG_CACHE_HOME:-~/.cache}/sarang-wine, or where SARANG_WINE
# says.
set -uo pipefail

cache=${SARANG_WINE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sarang-wine}
[ "$(uname -s)" = Linux ] && mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] ||
  cache=${TMPDIR:-/tmp}/sarang-wine-$(id -u)
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

case ${1:-} in
prepare) prepare ;;
exec)
  shift
  find_wine || { echo "there is no Wine: run $0 prepare" >&2; exit 1; }
  exec "$wine" "$@"
  ;;
stop) find_wine && "$server" -k || true ;;
*)
  sed -n '2,/^set/{/^# \?/s///p}' "$0" >&2
  exit 2
  ;;
esac
