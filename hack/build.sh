#!/usr/bin/env bash
# Builds commands into DIR: hack/build.sh DIR [PACKAGE...]; all of cmd/ if none is named. GOOS and GOARCH say for what; VERSION is
# stamped in.
set -euo pipefail
out=$(mkdir -p "${1:?usage: hack/build.sh DIR [PACKAGE...]}" && cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- ./cmd/...
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${VERSION:-$(git describe --tags --match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null || echo "v0.0.0-$(git rev-parse --short HEAD 2>/dev/null || echo unknown)")}
# The metrics library reads the version and panics on any other form.
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+ ]] || { echo "hack/build.sh: VERSION is \"$version\", want one like v0.1.0" >&2; exit 1; }
# Paths and VCS state stay out, so that the same sources give the same binaries anywhere.
CGO_ENABLED=0 OUT=$out/ hack/compile.sh -mod=vendor -trimpath -buildvcs=false \
  -ldflags "-s -w -buildid= -X k8s.io/component-base/version.gitVersion=$version" "$@"
