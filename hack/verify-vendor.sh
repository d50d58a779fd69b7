#!/usr/bin/env bash
# Fails if go.mod, go.sum or vendor/ differ from what the imports need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

same=true
for module in . hack/tools; do
  (cd "$module" && go mod tidy -diff) || { echo "$module: run go mod tidy" >&2; same=false; }
done
go mod vendor -o "$copy/vendor"
diff -Nqr vendor "$copy/vendor" || { echo "vendor/ is out of date or was edited: run go mod vendor" >&2; same=false; }
$same
