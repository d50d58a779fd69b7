#!/usr/bin/env bash
# Fails if the chart is not what hack/update-chart.sh makes of the plain manifests today. That it gives the same objects test/chart looks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r manifests/chart/. "$copy"
hack/update-chart.sh "$copy"
diff -ru manifests/chart "$copy" || { echo "manifests/chart is out of date: run hack/update-chart.sh" >&2; exit 1; }
