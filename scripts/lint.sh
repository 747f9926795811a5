#!/usr/bin/env bash
# Checks the code without running it. Silent when all is well; every check runs,
# whatever became of those before it.
#
#   scripts/lint.sh
#
# staticcheck and gofumpt come from tools/go.mod, so that everybody uses the same.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

tool() { go tool -modfile=tools/go.mod "$@"; }

for tags in "" sarang_debug; do
  go vet -tags "$tags" ./... || failed=1
  tool staticcheck -tags "$tags" ./... || failed=1
done

# The benchmarks are a module of their own, and for Linux alone. staticcheck checks the
# module that it stands in, with the tools of this one.
if [ "$(go env GOOS)" = linux ]; then
  go -C bench vet ./... || failed=1
  staticcheck=$(tool -n staticcheck) && (cd bench && "$staticcheck" ./...) || failed=1
fi

# The first line of generated code says so, in a form that Go defines.
hand_written() {
  find . -name '*.go' -not -path './.git/*' -print0 |
    xargs -0 grep -LE '^// Code generated .* DO NOT EDIT\.$' || true
}
if ! unformatted=$(hand_written | xargs go tool -modfile=tools/go.mod gofumpt -l); then
  failed=1
fi
if [ -n "$unformatted" ]; then
  printf 'not formatted, run gofumpt -w on:\n%s\n' "$unformatted" >&2
  failed=1
fi
exit "$failed"
