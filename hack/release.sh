#!/usr/bin/env bash
# Writes the files of a release into DIR: hack/release.sh DIR. VERSION names it, for example v0.1.0. They are
#   kubectl-kymaros-OS-ARCH.tar.gz and kymaros.yaml   the kubectl plugin, and its krew manifest
#   kymaros-image-linux-ARCH.tar.gz                   the file tree of the image
#   kymaros-0.1.0.tgz                                 the Helm chart, whose image is that of the release
#   kymaros.spdx.json                                 what the commands are made of
#   SHA256SUMS
# All is made twice, the second time in another checkout of the same commit, and must come out the same byte by byte; that it does so
# without anything compiled before, hack/reproducible.sh looks. The certificates in the image are those of this machine.
set -euo pipefail
umask 022
: "${VERSION:?VERSION must name the release, for example v0.1.0}"
export VERSION
[[ $VERSION =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || { echo "hack/release.sh: VERSION is \"$VERSION\", want one like v0.1.0" >&2; exit 1; }
dir=$(realpath -m "${1:?usage: hack/release.sh DIR}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -e "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
  [ -f "$dir/SHA256SUMS" ] || { echo "hack/release.sh: $dir is not empty, and holds no release: name another directory" >&2; exit 1; }
  rm -r "$dir"
fi
[ -z "$(git status --porcelain)" ] || { echo "hack/release.sh: a release is of a commit, and here is something that is not committed" >&2; exit 1; }
second=$(mktemp -d)
trap 'git worktree remove --force "$second/checkout" 2>/dev/null || true; rm -rf "$second"' EXIT
git worktree add --quiet --detach "$second/checkout"

# pack makes an archive of what is in a directory, the same from the same files: pack DIR FILE [NAME...]
pack() {
  local from=$1 to=$2
  shift 2
  tar -C "$from" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c "${@:-.}" | gzip -n >"$to"
}

# files makes all of it from a checkout.
files() {
  local out=$2 work
  work=$(mktemp -d)
  mkdir -p "$out"
  (
    cd "$1"
    hack/krew.sh "$out"
    for arch in amd64 arm64; do
      GOARCH=$arch hack/image.sh "$work/image-$arch"
      pack "$work/image-$arch" "$out/kymaros-image-linux-$arch.tar.gz"
    done
    cp -r manifests/chart "$work/kymaros"
    cp LICENSE "$work/kymaros/"
    sed -i -e "s/^version: .*/version: ${VERSION#v}/" -e "s/^appVersion: .*/appVersion: $VERSION/" "$work/kymaros/Chart.yaml"
    pack "$work" "$out/kymaros-${VERSION#v}.tgz" kymaros
    hack/sbom.sh "$out/kymaros.spdx.json"
    cd "$out"
    sha256sum -- * >"$work/SHA256SUMS"
    mv "$work/SHA256SUMS" .
  )
  rm -r "$work"
}

files . "$dir"
helm=$(test/cluster/run.sh helm 4)
# Into a file: a pipe that ends early would have Helm fail.
"$helm" template kymaros "$dir/kymaros-${VERSION#v}.tgz" --namespace kymaros-system >"$second/rendered"
grep -q "image: \"ghcr.io/kymaros/kymaros:$VERSION\"" "$second/rendered" || { echo "hack/release.sh: the chart installs another version than $VERSION" >&2; exit 1; }
files "$second/checkout" "$second/files"
diff "$dir/SHA256SUMS" "$second/files/SHA256SUMS" || { echo "hack/release.sh: these files depend on the directory or the moment in which they are made" >&2; exit 1; }
cat "$dir/SHA256SUMS"
