#!/usr/bin/env bash
# Fails if a generated page of the reference is out of date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
hack/update-reference.sh "$copy"
for page in manifests/flags.md pkg/apis/restore/v1alpha1/reasons.md; do
  diff -u "$page" "$copy/$page" || { echo "$page is out of date: run hack/update-reference.sh" >&2; exit 1; }
done
