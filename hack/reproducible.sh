#!/usr/bin/env bash
# Fails if two builds of the same sources, in two directories, differ in any command of cmd/. Prints their SHA-256 sums.
# hack/reproducible.sh [DIR] keeps the programs in DIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# One version for both: the copies have no history to take it from.
version=${VERSION:-$(git describe --tags --match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null || echo v0.0.0)}
for place in one a/rather/longer/two; do
  mkdir -p "$copy/$place/hack"
  cp -R go.mod go.sum vendor pkg cmd manifests "$copy/$place/"
  cp hack/*.sh "$copy/$place/hack/" # whatever a build calls
  # A cache of its own: otherwise the second build takes what the first has compiled.
  (cd "$copy/$place" && GOFLAGS='' GOCACHE="$copy/cache-${place##*/}" VERSION=$version hack/build.sh "$copy/out-${place##*/}")
done
sums() { (cd "$1" && sha256sum -- *); }
if ! diff <(sums "$copy/out-one") <(sums "$copy/out-two"); then
  echo "hack/reproducible.sh: these programs depend on the directory or the moment in which they are built" >&2
  exit 1
fi
sums "$copy/out-one"
if [ $# -gt 0 ]; then
  mkdir -p "$1"
  cp "$copy"/out-one/* "$1/"
fi
