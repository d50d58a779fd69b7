#!/usr/bin/env bash
# Fails if a Go file that people write is not formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
files=$(find . \( -path ./vendor -o -path ./_output -o -path ./pkg/generated -o -path ./.git -o -name node_modules \) -prune -o \
  -name '*.go' ! -name 'zz_generated.*' -print0 | xargs -0 gofmt -s -l)
if [ -n "$files" ]; then
  printf 'Not formatted: run gofmt -s -w on\n%s\n' "$files" >&2
  exit 1
fi
