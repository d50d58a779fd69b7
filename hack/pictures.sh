#!/usr/bin/env bash
# Draws the pictures of README.md anew, of a real report of the current cluster: hack/pictures.sh NAMESPACE TEST. Needs Chromium, Node.js,
# and kubectl-kymaros on the PATH.
set -euo pipefail
namespace=${1:?usage: hack/pictures.sh NAMESPACE TEST} test=${2:?usage: hack/pictures.sh NAMESPACE TEST}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
(cd pkg/dashboard/web && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; })
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null; rm -rf "$work"' EXIT
export COLUMNS=96
kubectl kymaros report "$test" -n "$namespace" --color=always >"$work/report.txt" || true # its exit code is the verdict
kubectl kymaros dashboard -n "$namespace" >"$work/address" 2>"$work/log" &
server=$!
for _ in $(seq 100); do [ -s "$work/address" ] && break; sleep 0.1; done
report=$(kubectl -n "$namespace" get restoretest "$test" -o 'jsonpath={.status.lastReportRef}')
PICTURES=$(printf '{"address":"%s","page":"/reports/%s/%s","text":"%s","command":"kubectl kymaros report %s -n %s"}' \
  "$(cat "$work/address")" "$namespace" "$report" "$work/report.txt" "$test" "$namespace") node hack/pictures/draw.mjs
