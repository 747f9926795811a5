#!/usr/bin/env bash
# The whole check of the project.
#
#   scripts/test.sh
#
# Every step runs, whatever became of those before it. The last line says how many
# passed and failed: each Go test and subtest counts as one, each other step too.
# The exit status is 0 only when none failed. Needs Go; the race detector also
# needs a C compiler, which is installed on Debian when run as root.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

FUZZ_TIME=${FUZZ_TIME:-1s}
passed=0 failed=0 skipped=0
work=$(mktemp -d)
finish() {
  if [ -e "$work/postgres/data/postmaster.pid" ]; then ./scripts/postgres.sh stop "$work/postgres" immediate; fi
  rm -rf "$work"
}
trap finish EXIT

heading() {
  printf '\n== %s\n' "$1"
  started=$SECONDS
}

# step NAME COMMAND...: one thing that passes or fails.
step() {
  heading "$1"
  shift
  if "$@" 2>&1; then
    passed=$((passed + 1))
    echo "-- passed, $((SECONDS - started)) s"
  else
    failed=$((failed + 1))
    echo "-- FAILED, $((SECONDS - started)) s"
  fi
}

# gotest NAME PACKAGES ARGS...: Go tests, counted one by one. A package that passes is one
# line; one that fails shows what its tests said.
gotest() {
  heading "$1"
  local p=0 f=0 s=0 status=0 packages=$2
  shift 2
  # shellcheck disable=SC2086 # a list
  go test -v "$@" $packages 2>&1 | tee "$work/raw" | awk -v counts="$work/counts" '
    /^ *--- PASS:/ { pass++; next }
    /^ *--- SKIP:/ { skip++; next }
    /^ *--- FAIL:/ { fail++ }
    /^=== |^PASS$/ { next }
    /^ok  /        { print; held = ""; next }
    /^\?   /       { held = ""; next }
    { held = held $0 "\n" }
    /^FAIL\t/      { printf "%s", held; held = "" }
    END { printf "%s", held; print pass + 0, fail + 0, skip + 0 > counts }
  ' || status=1
  read -r p f s <"$work/counts" || status=1
  # A crash or a package that does not build fails without a failing test.
  [ "$status" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  conformance <"$work/raw"
  echo "-- $p passed, $f failed, $s skipped, $((SECONDS - started)) s"
}

c_compiler() {
  command -v "$(go env CC)" >/dev/null && return
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return
  apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev
} >&2

# What the stores by ODBC need: unixODBC, drivers for PostgreSQL and SQLite, a C compiler.
odbc_there() {
  [ -e /usr/include/sql.h ] && odbcinst -q -d -n "PostgreSQL Unicode" && odbcinst -q -d -n SQLite3
} >/dev/null 2>&1
odbc() {
  c_compiler || return
  odbc_there && return
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return
  apt-get update -q && apt-get install -qy --no-install-recommends unixodbc-dev odbcinst odbc-postgresql libsqliteodbc &&
    odbc_there
} >&2

# A program for another system can not run here, but it and its tests must build; those
# packages whose files depend on the invariant checks twice.
builds_for() {
  export CGO_ENABLED=0 GOOS=$1 GOARCH=$2
  go build ./... && go vet -tags sarang_debug ./... &&
    go vet $(grep -rl --include='*.go' '^//go:build.*sarang_debug' . | xargs -n 1 dirname | sort -u)
}
on() { (builds_for "$@"); }

# The Windows tests of the packages that know Windows, under Wine (make wine runs all);
# skipped, and counted so, where Wine can not be had.
windows() {
  heading "windows, under wine"
  local p=0 f=1 s=0
  ./scripts/wine.sh short 2>&1 | tee "$work/wine"
  read -r p f s < <(tail -n 3 "$work/wine" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p')
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
}

# The page and the TypeScript SDK; skipped, and counted so, where npm or a browser can not be had.
web() {
  heading "the page and the TypeScript SDK"
  local p=0 f=1 s=0
  ./scripts/web.sh short 2>&1 | tee "$work/web"
  read -r p f s < <(tail -n 1 "$work/web" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p')
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
}

# One PostgreSQL for all tests that want one. Nothing in it is to survive them. Where it can
# not be had those tests are skipped, and counted so.
postgres() {
  [ -z "${TEST_POSTGRES_URL:-}" ] || return # somebody has given one
  chmod 755 "$work" # it runs as another user when this runs as root
  if TEST_POSTGRES_URL=$(./scripts/postgres.sh start "$work/postgres" fsync=off full_page_writes=off); then
    export TEST_POSTGRES_URL
  else
    unset TEST_POSTGRES_URL
    echo "the tests on PostgreSQL are skipped: there is none"
  fi
}

step "lint" ./scripts/lint.sh
postgres
# What starts the real binary is not tried twice: that binary has no race detector.
inside=$(go list ./... | grep -v '^sarang/tests/')
if c_compiler; then
  gotest "tests, with invariant checks and race detector" "$inside" -race -tags sarang_debug -timeout 8m
else
  echo "race detector skipped: there is no C compiler"
  gotest "tests, with invariant checks" "$inside" -tags sarang_debug -timeout 8m
fi
gotest "tests, as in production" ./... -timeout 5m
if odbc; then
  step "vet, with ODBC" go vet -tags odbc ./internal/store/...
  gotest "stores by ODBC" "./internal/store/odbc ./internal/store" -tags odbc -timeout 5m
else
  heading "stores by ODBC"
  skipped=$((skipped + 1))
  echo "-- skipped: there is no unixODBC, or no C compiler"
fi
step "windows/amd64 builds" on windows amd64
step "darwin/arm64 builds" on darwin arm64
step "fuzzing, $FUZZ_TIME each" env TIME="$FUZZ_TIME" ./scripts/fuzz.sh
step "faults planted on purpose: does the simulation notice?" ./scripts/mutations.sh few
step "end to end" ./scripts/e2e.sh
step "the benchmarks' own tests" go -C bench test ./...
web
windows

printf '\nall steps took %d s\n' "$SECONDS"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
