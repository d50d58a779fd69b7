#!/usr/bin/env bash
# Fails if pkg/dashboard/assets differs from what hack/update-dashboard.sh makes of pkg/dashboard/web. Without Node.js it says that
# it did not look.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v npm >/dev/null; then
  echo "SKIPPED: no npm on this machine, so the dashboard's assets were not built anew" >&2
  exit 0
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/pkg"
# With the packages, if they are there.
cp -Rp pkg/dashboard "$copy/pkg/"
hack/update-dashboard.sh "$copy"
if ! diff -r pkg/dashboard/assets "$copy/pkg/dashboard/assets"; then
  echo "The dashboard's assets are out of date: run hack/update-dashboard.sh" >&2
  exit 1
fi
