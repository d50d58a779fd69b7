#!/usr/bin/env bash
# Writes k8s-MINOR, the module of a control plane of another Kubernetes: test/cluster/mods/kubernetes.sh 1.30.14. With --usual after the
# version it writes k8s, the one that clusters have, with the programs of a node.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version=${1:?"usage: $0 VERSION [--usual], such as 1.30.14"}
release=v0.${version#1.} # of what Kubernetes keeps in its own repository and releases beside it
minor=${version%.*}
module=k8s-$minor
programs=(kube-apiserver kube-controller-manager)
if [ "${2:-}" = --usual ]; then
  module=k8s
  programs+=(kube-proxy kube-scheduler kubelet)
fi
mkdir -p "$module"

cat >"$module/tools.go" <<EOF
//go:build tools

// Package tools keeps in go.mod what the harness builds from this module (build/programs.go).
package tools

import (
	_ "k8s.io/kubectl/pkg/cmd"
$(printf '\t_ "k8s.io/kubernetes/cmd/%s/app"\n' "${programs[@]}")
)
EOF

# Its own requirements decide every version. They name what it releases by a path in its repository, which a module proxy does not serve.
cd "$module"
export GOWORK=off GOFLAGS=-mod=mod
own=$(cd / && go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
staged=$(sed -n 's|^\s*\(k8s\.io/[a-z-]*\) => \./staging/.*|\1|p' "$own" | sort -u)

# served is the version of a staging module: the release, or the patch next below it that the module proxy has, which is said.
served() {
  local patch
  for ((patch = ${release##*.}; patch >= 0; patch--)); do
    (cd / && go mod download "$1@${release%.*}.$patch") >/dev/null 2>&1 || continue
    [ "$patch" = "${release##*.}" ] || echo "$1 is not served as $release; taking ${release%.*}.$patch" >&2
    echo "${release%.*}.$patch"
    return
  done
  echo "$1: no version of ${release%.*} is served" >&2
  return 1
}
{
  printf "// The requirements of k8s.io/kubernetes itself, with every staging module replaced by its release.\n\n"
  sed -n '/^module /,$p' "$own"
} >go.mod
edits=(-module="github.com/kymaros/kymaros/test/cluster/mods/$module" -go=1.26.0 -toolchain=none -dropgodebug=default
  -require="k8s.io/kubernetes@v$version")
for m in $staged; do
  edits+=(-dropreplace="$m")
  case $m in
    # Nothing that runs needs them, and not every release of theirs is served.
    */sample-* | */code-generator) edits+=(-droprequire="$m") ;;
    *)
      at=$(served "$m")
      edits+=(-replace="$m=$m@$at")
      ;;
  esac
done
go mod edit "${edits[@]}"
rm -f go.sum
go mod tidy
