#!/usr/bin/env bash
# Makes the test data of a database of the released schema: by the code of that commit, in a
# worktree of its own.
#
#   scripts/released.sh            writes internal/store/sqlite/testdata/released/sarang.db.gz
#
# The file that is there is not to be made anew, but when its content is to be another one.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=${1:-5392018}
data=internal/store/sqlite/testdata/released
tree=$(mktemp -d)
trap 'git worktree remove --force "$tree"' EXIT
git worktree add --quiet --detach "$tree" "$commit"
mkdir "$tree/cmd/released"
cp "$data/make.go" "$tree/cmd/released/main.go"
sed -i '/^\/\/go:build ignore$/d' "$tree/cmd/released/main.go"
(cd "$tree" && go run ./cmd/released) >"$data/sarang.db.gz.new"
mv "$data/sarang.db.gz.new" "$data/sarang.db.gz"
ls -l "$data/sarang.db.gz"
