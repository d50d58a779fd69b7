#!/usr/bin/env bash
# Writes what is generated of manifests/chart, or of a copy of it in the directory of the argument: the templates, of the plain manifests,
# the dashboards, and the table of values in its README. hack/verify-chart.sh tells when this has to be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go run -trimpath ./hack/chart manifests "${1:-manifests/chart}"
