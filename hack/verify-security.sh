#!/usr/bin/env bash
# Fails if SECURITY.md names a test that does not exist where it says, or if it has no row with a test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=0 rows=0
# Rows are: | claim | `TestA`, `TestB` in directory |
while read -r dir tests; do
  rows=$((rows + 1))
  for name in $tests; do
    grep -qsE "^func $name\(" "$dir"/*_test.go || { echo "SECURITY.md: $dir has no $name: name the test that proves the claim, or drop the claim" >&2; bad=1; }
  done
done < <(sed -nE 's/^\|.*\| ((`Test[A-Za-z0-9]+`(, )?)+) in ([a-z0-9/-]+) \|$/\4 \1/p' SECURITY.md | tr -d '`,')
[ "$rows" -gt 0 ] || { echo "SECURITY.md: no claim names a test" >&2; bad=1; }
# A row that is written in another way would not be looked at.
claims=$(sed -n '/^## Claims/,/^## [^C]/p' SECURITY.md | grep -cE '^\| [^C-]|^\| C[^l]' || true)
[ "$rows" = "$claims" ] || { echo "SECURITY.md: $rows of $claims claims name a test as \`TestName\` in directory" >&2; bad=1; }
exit $bad
