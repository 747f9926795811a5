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

ran=0 failed=0 inputs=0
while read -r dir target; do
  case $dir in .* | /*) ;; *) dir=./$dir ;; esac
  ran=$((ran + 1))
  if out=$(cd "$dir" && go test . -run '^$' -fuzz "^$target\$" -fuzztime "$TIME" -fuzzminimizetime 10x 2>&1); then
    echo "ok    $dir $target, $(executions "$out") inputs"
  elif out_of_time "$out"; then
    echo "ok    $dir $target, $(executions "$out") inputs (its time was up)"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s %s\n%s\n' "$dir" "$target" "$out"
  fi
  inputs=$((inputs + $(executions "$out" || true) + 0))
done <<<"$targets"
echo "fuzz: $ran targets, $failed failed, $inputs inputs"
[ "$failed" -eq 0 ]
