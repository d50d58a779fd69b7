#!/usr/bin/env bash
# Breaks the alert rules of manifests/monitoring in one place at a time: a clause is gone, a threshold or a window is another, an alert
# waits for no time or for too long. Fails for each break that no test of test/rules notices. Some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
promtool=$(hack/promtool.sh)
rules=manifests/monitoring/kymaros.rules.yaml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tests in hours days; do
  sed "s#../../$rules#rules.yaml#" "test/rules/$tests.test.yaml" >"$work/$tests.test.yaml"
done

# What is looked for, and what is put in its place.
breaks=(
  '(?<=\n)        (?:unless|and|>)[^\n]*\n' ''
  '(?<=\n)      or\n(?:[^\n]*\n)+?(?=    for:)' ''
  '    for: [0-9]+m\n' ''
  '(?<=for: )[0-9]+m' '9h'
  '> 2 \*' '> 1.6 *' '> 2 \*' '> 2.3 *'
  '> 10\b' '> 9' '> 10\b' '> 11'
  '>= 3\b' '>= 2' '>= 3\b' '>= 4'
  '0\.5 \*' '0.25 *' '0\.5 \*' '0.75 *'
  '== 1\b' '== 2' '== 0\b' '== 2' '> 0\b' '> 9'
  ' or [a-z_]+\)' ')' ' or last_over_time\([a-z_]+\[3d\]\)' ''
  '\[3d\]' '[6h]' '\[1d\]' '[1h]' '\[1h\]' '[10m]' '\[1h\]' '[1d]'
  '"(?:fail|partial)"' '"pass"' 'unproven\|notEnforced' 'unproven' 'unproven\|notEnforced' 'notEnforced'
  ' and on \(\) count[^\n]*' '' ' or (?:sum|max)[^\n]*' '' '(?<=\n)        or sum[^\n]*\n' ''
  'max\(kymaros_line_stalled\) == 1 or ' '' 'max by \(namespace, test\) \(kymaros_leaked_objects\) > 0\n        or ' ''
)
total=0 missed=0
for ((i = 0; i < ${#breaks[@]}; i += 2)); do
  n=0
  while N=$n WHAT=${breaks[i]} BY=${breaks[i + 1]} perl -0pe '
      BEGIN { $n = $ENV{N}; $k = 0; $did = 0 }
      s/$ENV{WHAT}/$k++ == $n ? do { $did = 1; $ENV{BY} } : $&/ge;
      END { exit($did ? 0 : 1) }' "$rules" >"$work/rules.yaml"; do
    n=$((n + 1))
    # Some make the same query in other words, or none.
    "$promtool" check rules "$work/rules.yaml" >/dev/null 2>&1 || continue
    total=$((total + 1))
    if "$promtool" test rules "$work"/*.test.yaml >/dev/null 2>&1; then
      missed=$((missed + 1))
      echo "NOT NOTICED: ${breaks[i]} -> ${breaks[i + 1]:-nothing}" >&2
      diff "$rules" "$work/rules.yaml" >&2 || true
    fi
  done
done
echo "$total breaks, $missed not noticed"
[ "$total" -gt 50 ] && [ "$missed" = 0 ]
