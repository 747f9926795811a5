#!/usr/bin/env bash
# The page and the TypeScript SDK: types, the SDK's tests, whether the page that the server
# embeds is what its sources give, and the page in a real browser.
#
#   scripts/web.sh           everything, some minutes
#   scripts/web.sh short     without the browser tests that take long
#   scripts/web.sh build     builds the page into internal/page/files
#   scripts/web.sh picture   the picture of the README
#
# Needs Node 20 with npm, which brings the rest, and Chromium, which is installed on Debian when
# run as root. What can not be had is skipped, and said so. The last line says how many passed,
# failed and were skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
  echo "-- skipped: $1"
  skipped=$((skipped + 1))
}

# check NAME COMMAND...: one thing that passes or fails.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "-- FAILED: $name"
  fi
}

# counted NAME COMMAND...: the tests of node --test, one by one.
counted() {
  local name=$1 p f s
  shift
  "$@" >"$work/out" 2>&1
  local status=$?
  count() { awk -v what="$1" '$1 != "#" && $1 != "ℹ" { next } $2 == what { n = $3 } END { print n + 0 }' "$work/out"; }
  p=$(count pass) f=$(count fail) s=$(($(count skipped) + $(count todo)))
  [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  if [ "$f" -gt 0 ]; then
    cat "$work/out"
    echo "-- FAILED: $name"
  fi
  echo "$name: $p passed, $f failed, $s skipped"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

node_there() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 10) ? 0 : 1)'
}

# Packages are installed again only when the list of them has changed.
packages() {
  local have=web/node_modules/.installed
  cmp -s web/package-lock.json "$have" && return
  npm --prefix web ci --ignore-scripts --no-audit --no-fund >&2 && cp web/package-lock.json "$have"
}

# Chromium, and a font with Korean and Arabic letters for pictures.
browser() {
  CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
  export CHROMIUM
  [ -n "$CHROMIUM" ] && return
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return
  { apt-get update -q && apt-get install -qy --no-install-recommends chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji; } >&2 || return
  CHROMIUM=$(command -v chromium)
}

if ! node_there; then
  skip "there is no Node 20 with npm: types and tests of the SDK, the page's build, the page in a browser"
  finish
fi
if ! packages; then
  skip "npm can not install what web/package-lock.json names"
  finish
fi
tsc=(web/node_modules/.bin/tsc)

if [ "${1:-}" = build ]; then
  "${tsc[@]}" -p web/app && node web/app/build.mjs
  exit
fi

export SARANG=${SARANG:-$work/sarang}
[ -e "$SARANG" ] || go build -o "$SARANG" ./cmd/sarang || exit 1

if [ "${1:-}" = picture ]; then
  browser && node web/test/picture.mjs
  exit
fi

check "types of the SDK" "${tsc[@]}" -p web/sdk --noEmit
check "types of the page" "${tsc[@]}" -p web/app
check "the embedded page is what web/app gives" node web/app/build.mjs --check
counted "the SDK against a server" node web/sdk/test.mjs
counted "the page's parts" node --test web/app/test/*.test.mjs
if browser; then
  counted "the page in a browser" env SHORT="$([ "${1:-}" = short ] && echo 1)" node --test web/test/*.test.mjs
else
  skip "there is no Chromium: the page in a browser"
fi
finish
