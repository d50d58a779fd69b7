#!/usr/bin/env bash
# Fails if a bash script cannot be parsed, cannot be executed, or goes on after an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=0
while IFS= read -r -d '' script; do
  head -n 1 "$script" | grep -q bash || continue # for other shells, in images
  bash -n "$script" || bad=1
  [ -x "$script" ] || { echo "$script: chmod +x it" >&2; bad=1; }
  grep -qE '^set -e?uo? pipefail$' "$script" || { echo "$script: begin it with set -euo pipefail" >&2; bad=1; }
done < <(find . \( -path ./vendor -o -path ./_output -o -path ./.git -o -name node_modules \) -prune -o -type f \( -name '*.sh' -o -path './.ci/*' \) -print0)
exit $bad
