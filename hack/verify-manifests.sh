#!/usr/bin/env bash
# Fails if kubectl apply -k manifests would install something else than kubectl apply -f manifests/crds -f manifests -f manifests/fence,
# if kustomize cannot render it, monitoring or an overlay, or if an overlay changes an object that is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
listed() {
  diff -u --label "$1/Kustomization" --label "files in $1" \
    <(sed -n 's/^- //p' Kustomization | sort) <(printf '%s\n' "${@:2}" | sort) ||
    { echo "$1/Kustomization must list every file that is to be installed, and no other" >&2; exit 1; }
}
cd manifests
listed manifests crds/*.yaml *.yaml fence/*.yaml
for overlay in overlays/*/; do
  (cd "$overlay" && listed "manifests/$overlay" *.yaml)
done

export GOFLAGS="${GOFLAGS:-} -trimpath"
mkdir -p "$root/_output/tools"
(cd "$root/hack/tools/kustomize" && go build -o "$root/_output/tools/" tool)
# objects prints kind/name of what a directory renders to.
objects() {
  "$root/_output/tools/kustomize" build "$1" | awk '
    /^kind: / { kind = $2 }
    /^metadata:/ { inside = 1; next }
    inside && /^  name: / { print kind "/" $2; inside = 0 }
    /^[^ ]/ { inside = 0 }' | sort
}
base=$(objects .)
[ -n "$(objects monitoring)" ] || { echo "manifests/monitoring cannot be rendered" >&2; exit 1; }
for overlay in overlays/*/; do
  # A binding that is called as a role which is installed gives just that: overlays may have more of those.
  more=$(comm -13 <(echo "$base") <(objects "$overlay") | grep -vxF -f <(sed -n 's#^ClusterRole/#ClusterRoleBinding/#p' <<<"$base") || true)
  [ -z "$more" ] || { echo "manifests/$overlay changes what manifests does not install: $more" >&2; exit 1; }
done

# An overlay for a Velero elsewhere is what the script makes of manifests today.
want=$(mktemp -d)
trap 'rm -rf "$want"' EXIT
"$root/hack/velero-namespace.sh" openshift-adp "$want"
diff -ru "$want" overlays/openshift-adp || { echo "Please run hack/velero-namespace.sh openshift-adp manifests/overlays/openshift-adp" >&2; exit 1; }
! grep -nE 'namespace velero\b|-n velero\b|\bvelero/' overlays/openshift-adp/*.yaml ||
  { echo "These words would send people to a namespace that Velero is not in there: say \"Velero's namespace\"" >&2; exit 1; }
