#!/usr/bin/env bash
# Runs every hack/verify-*.sh, each to its end, and says which failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=() n=0
all=(hack/verify-*.sh)
for script in "${all[@]}"; do
  start=$SECONDS
  echo "== $script ($((++n)) of ${#all[@]})"
  "$script" </dev/null || failed+=("$script")
  echo "   $((SECONDS - start)) s"
done
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED: %s\n' "${failed[*]}" >&2
  exit 1
fi
