#!/usr/bin/env bash
# Writes what the commands of cmd/ are made of, as SPDX 2.3: hack/sbom.sh FILE. It works without a network. It fails if
# vendor/ has a module at another version than a program says.
set -euo pipefail
file=$(realpath -m "${1:?usage: hack/sbom.sh FILE}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
version=${VERSION:-$(git describe --tags --match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null || echo "v0.0.0-$(git rev-parse --short HEAD)")}
VERSION=$version hack/build.sh "$bin"
for program in "$bin"/*; do
  go version -m "$program" | awk '$1 == "dep" { print "# " $2 " " $3 }' | while read -r module; do
    grep -qF "$module" vendor/modules.txt || { echo "hack/sbom.sh: ${program##*/} was built of $module, which is not in vendor/modules.txt" >&2; exit 1; }
  done
done
mkdir -p "$(dirname "$file")"
go run -trimpath ./hack/sbom -version "$version" -created "$(git log -1 --format=%ct)" "$bin"/* >"$file"
echo "$file: $(grep -c '"SPDXID": "SPDXRef-' "$file") entries"
