#!/usr/bin/env bash
# Fails unless a public generator makes a client of pkg/server/openapi.json, against which hack/client compiles. Without Node.js it
# says that it did not look.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v npm >/dev/null; then
  echo "SKIPPED: no npm on this machine, so no client was made of the API's document" >&2
  exit 0
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp hack/client/* hack/client/.npmrc "$copy/"
cp pkg/server/openapi.json "$copy/"
cd "$copy"
npm ci --no-audit --no-fund --loglevel=error
npx openapi-typescript openapi.json -o api.d.ts
npx tsc --noEmit --strict --module nodenext --target es2022 --lib es2022,dom client.ts
