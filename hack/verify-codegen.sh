#!/usr/bin/env bash
# Fails if generated code or CRDs differ from what hack/update-codegen.sh makes of the types.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# Two copies of what the generators read and write, uncommitted changes and all; dependencies and built tools are shared.
# The second stays as it is, so that an edit meanwhile is no difference.
mkdir -p _output/tools "$copy/after/manifests"
cp -R go.mod go.sum pkg hack "$copy/after/"
cp -R manifests/crds "$copy/after/manifests/"
cp -R "$copy/after" "$copy/before"
ln -s "$root/vendor" "$root/_output" "$copy/after/"
# Without paths in them, compiled packages are found in Go's cache again although the copy lies elsewhere each time.
export GOFLAGS="${GOFLAGS:-} -trimpath"
"$copy/after/hack/update-codegen.sh"

cd "$copy"
rm after/vendor after/_output
if ! diff -Naur before after; then
  echo "Generated files are out of date: run hack/update-codegen.sh" >&2
  exit 1
fi
