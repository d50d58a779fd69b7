#!/usr/bin/env bash
# Fails if manifests/25-group-modifiers.yaml is not what hack/update-modifiers.sh makes of 20-modifiers.yaml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
want=$(mktemp)
trap 'rm -f "$want"' EXIT
hack/update-modifiers.sh "$want"
diff -u manifests/25-group-modifiers.yaml "$want" || { echo "Please run hack/update-modifiers.sh" >&2; exit 1; }
