#!/usr/bin/env bash
# Writes velero-VERSION, the module of another Velero: test/cluster/mods/velero.sh 1.17.2 v0.33.13, the second being the patch of the
# k8s.io modules that it takes instead of its own, which the module proxy need not have.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage="usage: $0 VERSION K8S_IO_VERSION, such as 1.17.2 v0.33.13"
version=${1:?"$usage"}
release=${2:?"$usage"}
module=velero-$version
mkdir -p "$module"

cat >"$module/tools.go" <<'EOT'
//go:build tools

// Package tools keeps in go.mod what the harness builds from this module (build/programs.go).
package tools

import (
	_ "github.com/vmware-tanzu/velero/pkg/cmd/velero"
)
EOT

# Its own requirements decide every version. Its go.sum is needed too: no checksum database knows the fork that it replaces a module with.
own=$(cd / && go mod download -json "github.com/vmware-tanzu/velero@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cd "$module"
export GOWORK=off GOFLAGS=-mod=mod
cat "$own/go.mod" >go.mod
cat "$own/go.sum" >go.sum
edits=(-module="github.com/kymaros/kymaros/test/cluster/mods/$module" -go=1.26.0 -toolchain=none
  -require="github.com/vmware-tanzu/velero@v$version")
for m in $(sed -n 's|^\s*\(k8s\.io/[a-z-]*\) v0\.[1-9].*|\1|p' go.mod) k8s.io/apiserver k8s.io/component-base; do
  edits+=(-replace="$m=$m@$release")
done
go mod edit "${edits[@]}"
go mod tidy
