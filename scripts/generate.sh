#!/usr/bin/env bash
# Writes the Go code of proto/**/*.proto beside it.
#
#   scripts/generate.sh
#
# Needs protoc 3.21 or later; on Debian, as root, it is installed when missing. The
# plugins are built from tools/go.mod, so the output depends on nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v protoc >/dev/null; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    apt-get install -qy --no-install-recommends protobuf-compiler
  else
    echo "protoc is missing: install protobuf-compiler" >&2
    exit 1
  fi
fi

plugins=$(mktemp -d)
trap 'rm -rf "$plugins"' EXIT
go build -modfile=tools/go.mod -o "$plugins/" \
  google.golang.org/protobuf/cmd/protoc-gen-go \
  github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto

find proto -name '*.proto' -print0 | sort -z | xargs -0 protoc \
  --proto_path=proto \
  --plugin="$plugins/protoc-gen-go" \
  --plugin="$plugins/protoc-gen-go-vtproto" \
  --go_out=proto --go_opt=paths=source_relative \
  --go-vtproto_out=proto --go-vtproto_opt=paths=source_relative \
  --go-vtproto_opt=features=marshal+unmarshal+unmarshal_unsafe+size
