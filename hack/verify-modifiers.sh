#!/usr/bin/env bash
# Fails if the ConfigMaps of rules for Velero are not what hack/update-modifiers.sh makes of manifests/20-modifiers.yaml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
want=$(mktemp -d)
trap 'rm -rf "$want"' EXIT
hack/update-modifiers.sh "$want"
for file in 25-group-modifiers.yaml 27-no-class-modifiers.yaml; do
  diff -u "manifests/$file" "$want/$file" || { echo "Please run hack/update-modifiers.sh" >&2; exit 1; }
done
