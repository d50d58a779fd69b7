#!/usr/bin/env bash
# Builds the archives of the kubectl plugin into DIR, and its krew manifest with their checksums, and checks them: hack/krew.sh DIR.
# VERSION names the release that they are to be attached to. Minutes, when nothing of it is compiled yet.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: hack/krew.sh DIR}" && cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${VERSION:?VERSION must name the release, for example v0.1.0}"
export VERSION
sed -e '/^#/d' -e "s/VERSION/$VERSION/" hack/krew.yaml >"$dir/kymaros.yaml"
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${platform%/*} arch=${platform#*/}
  work=$(mktemp -d)
  GOOS=$os GOARCH=$arch hack/build.sh "$work" ./cmd/kubectl-kymaros
  bin=kubectl-kymaros
  [ "$os" != windows ] || bin=kubectl-kymaros.exe
  cp LICENSE "$work/"
  archive=kubectl-kymaros-$os-$arch.tar.gz
  # The same sources give the same archive.
  tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c LICENSE "$bin" | gzip -n >"$dir/$archive"
  rm -r "$work"
  cat >>"$dir/kymaros.yaml" <<Y
  - selector: {matchLabels: {os: $os, arch: $arch}}
    uri: https://github.com/kymaros/kymaros/releases/download/$VERSION/$archive
    sha256: $(sha256sum "$dir/$archive" | cut -d' ' -f1)
    bin: $bin
Y
done
go run -trimpath ./hack/krew "$dir"
