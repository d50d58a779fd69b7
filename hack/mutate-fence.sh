#!/usr/bin/env bash
# Takes every validation and every match condition of manifests/fence away, one at a time, and fails for each that no row
# of the matrix misses. Prints a table. Three minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go test -trimpath -count=1 -timeout 20m -v -run '^TestTheFence$' ./test/integration/ -mutate-fence
