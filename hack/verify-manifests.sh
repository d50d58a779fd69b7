#!/usr/bin/env bash
# Fails if kubectl apply -k manifests would install something else than kubectl apply -f manifests/crds -f manifests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../manifests"
diff -u --label 'manifests/Kustomization' --label 'files in manifests' \
  <(sed -n 's/^- //p' Kustomization | sort) <(printf '%s\n' crds/*.yaml *.yaml | sort) ||
  { echo "manifests/Kustomization must list every file that is to be installed, and no other" >&2; exit 1; }
