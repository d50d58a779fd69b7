#!/usr/bin/env bash
# Takes every validation and match condition of manifests/fence away, and has everything in it that is compared with a name take any,
# one at a time; fails for each that no row of the matrix misses. Prints a table. Half an hour; with the beginning of a policy's name
# (kymaros-restore) only such.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go test -trimpath -count=1 -timeout 90m -v -run '^TestTheFence$' ./test/integration/ "-mutate-fence=${1:-kymaros-}"
