#!/usr/bin/env bash
# Writes manifests/25-group-modifiers.yaml: the rules of 20-modifiers.yaml, and one by which restored pods ask kymaros-dns. The
# controller fills in its address and can change nothing else of it, so all of it is shipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
from=manifests/20-modifiers.yaml to=${1:-manifests/25-group-modifiers.yaml}
{
  cat <<'Y'
# Made by hack/update-modifiers.sh from 20-modifiers.yaml: its rules, and the last one, for sandboxes with networkIsolation group.
# The controller puts the address of Service kymaros-dns between the brackets, and the fence lets it change nothing else. If the
# domain of the cluster is another than cluster.local, change it here too.
Y
  sed -e '1,/^apiVersion: /{/^apiVersion: /!d}' -e 's/^  name: kymaros-sandbox-modifiers$/  name: kymaros-group-modifiers/' "$from"
  cat <<'Y'
    # Pods only: a changed template is rolled out, and that deletes the pod whose volumes Velero is filling. A name with a dot is
    # asked for as it is written (ndots), which our DNS understands: one query instead of two.
    - conditions: {groupResource: pods}
      mergePatches:
      - patchData: |
          spec:
            dnsPolicy: None
            dnsConfig:
              nameservers: ["0.0.0.0"]
              searches: [svc.cluster.local]
              options: [{name: ndots, value: "1"}]
Y
} >"$to"
