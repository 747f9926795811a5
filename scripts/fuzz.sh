#!/usr/bin/env bash
# Runs every fuzz target of the project for a while.
#
#   TIME=30s scripts/fuzz.sh          all targets, 30 s each
#   TIME=5m scripts/fuzz.sh ./packet  those of one package
#
# A find is written below testdata/fuzz of its package; the command to repeat it
# is in the output.
set -euo pipefail
cd "$(dirname "$0")/.."
TIME=${TIME:-30s}
under=${1:-.}

targets=$(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' "$under" |
  sed -E 's|/[^/]*_test\.go:func | |' | sort)
if [ -z "$targets" ]; then
  echo "no fuzz targets under $under" >&2
  exit 1
fi

# When its time is up, go test -fuzz now and then tells that as a failure of its own,
# "context deadline exceeded", and nothing else: no input was found.
out_of_time() {
  case $1 in
  *"Failing input"* | *panic:* | *"_test.go:"*) return 1 ;;
  *$'\n    context deadline exceeded\n'*) return 0 ;;
  esac
  return 1
}

# executions OUTPUT: how many inputs were tried. Those that are known already come first
# and are counted in their own way.
executions() {
  sed -n -e 's/.*execs: \([0-9]*\).*/\1/p' -e 's|.*baseline coverage: \([0-9]*\)/.*|\1|p' <<<"$1" | tail -n 1
}

# fuzz DIR TARGET: one target; its line of the report, and a status.
fuzz() {
  local out
  if out=$(cd "$1" && go test . -run '^$' -fuzz "^$2\$" -fuzztime "$TIME" -fuzzminimizetime 10x -parallel "$workers" 2>&1); then
    echo "ok    $1 $2, $(executions "$out") inputs"
  elif out_of_time "$out"; then
    echo "ok    $1 $2, $(executions "$out") inputs (its time was up)"
  else
    printf 'FAIL  %s %s\n%s\n' "$1" "$2" "$out"
  fi
}

# As many targets at once as there are processors, each with one worker: building them takes
# as long as running them, and a build is not parallel.
workers=1 at_once=$(nproc 2>/dev/null || echo 2)
export TIME workers
export -f fuzz executions out_of_time
report=$(mktemp)
trap 'rm -f "$report"' EXIT
while read -r dir target; do
  case $dir in .* | /*) ;; *) dir=./$dir ;; esac
  printf '%s\0%s\0' "$dir" "$target"
done <<<"$targets" | xargs -0 -n 2 -P "$at_once" bash -c 'fuzz "$@"' fuzz | tee "$report"

ran=$(grep -c "^ok    \|^FAIL  " "$report" || true) failed=$(grep -c "^FAIL  " "$report" || true)
inputs=$(sed -n 's/^ok .*, \([0-9]*\) inputs.*/\1/p' "$report" | awk '{ n += $1 } END { print n + 0 }')
echo "fuzz: $ran targets, $failed failed, $inputs inputs"
[ "$failed" -eq 0 ] && [ "$ran" -eq "$(wc -l <<<"$targets")" ]
