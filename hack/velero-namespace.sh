#!/usr/bin/env bash
# Prints all that manifests installs, for a Velero in another namespace: hack/velero-namespace.sh NAMESPACE | kubectl apply -f -
# Roles, rules for Velero, the admission fence and the programs have to agree on it, so nothing is changed by hand.
# With a directory it writes an overlay instead: hack/velero-namespace.sh NAMESPACE DIRECTORY
set -euo pipefail
[[ ${1:-} =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]] || { echo "usage: hack/velero-namespace.sh NAMESPACE [DIRECTORY]; a namespace is lower-case letters, digits and dashes" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p _output/tools
(cd hack/tools/kustomize && GOFLAGS="${GOFLAGS:-} -trimpath" go build -o ../../../_output/tools/ tool)
from=$(mktemp -d)
trap 'rm -rf "$from"' EXIT
cp -r manifests/. "$from" && rm -r "$from/overlays"
# In the files as they are written, where the namespace stands in quotes; rendered it may not.
find "$from" -name '*.yaml' -exec sed -i -e "s/'velero'/'$1'/g" -e "s/:velero:/:$1:/g" \
  -e "s/^\( *namespace: \)velero$/\1$1/" -e "/name: KYMAROS_VELERO_NAMESPACE$/{n;s/value: velero$/value: $1/}" {} +
if [ -z "${2:-}" ]; then
  _output/tools/kustomize build "$from"
  exit
fi
mkdir -p "$2"
awk 'FNR == 1 && NR > 1 { print "---" } { print }' "$from"/fence/*.yaml >"$2/fence.yaml"
sed -i '/^- fence\//d' "$from/Kustomization"
_output/tools/kustomize build "$from" >"$2/kymaros.yaml"
cat >"$2/Kustomization" <<Y
# Made by hack/velero-namespace.sh $1: all of manifests, for a Velero in namespace $1. Apply it instead of manifests.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- fence.yaml
- kymaros.yaml
Y
