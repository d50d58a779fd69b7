#!/usr/bin/env bash
# Tests the alert rules of manifests/monitoring, has a real Prometheus answer all that they and the dashboards ask, and fails if a
# generated file is out of date. The first run builds promtool and prometheus, which takes some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
promtool=$(hack/promtool.sh)

hack/update-monitoring.sh "$copy"
same=true
for file in prometheusrule.yaml dashboards/{overview,test,system}.json; do
  diff -u "manifests/monitoring/$file" "$copy/$file" || same=false
done
$same || { echo "manifests/monitoring is out of date: run hack/update-monitoring.sh" >&2; exit 1; }

go run -trimpath ./hack/dashboards -queries >"$copy/queries.yaml"
"$promtool" check rules --lint=all --lint-fatal manifests/monitoring/kymaros.rules.yaml "$copy/queries.yaml" >"$copy/out" || { cat "$copy/out"; exit 1; }
"$promtool" test rules test/rules/*.test.yaml >"$copy/out" || { cat "$copy/out"; exit 1; }
go test -trimpath -count=1 ./test/rules/ >"$copy/out" 2>&1 || { cat "$copy/out"; exit 1; }
