#!/usr/bin/env bash
# Writes the ConfigMaps that hold the rules of manifests/20-modifiers.yaml with a difference. All of them are shipped: the fence lets
# the controller change one address and what a test maps, and nothing else.
# 25-group-modifiers.yaml: one more rule, by which restored pods ask kymaros-dns.
# 27-no-class-modifiers.yaml: both again, for clusters where a claim without a class would stay without one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
from=manifests/20-modifiers.yaml to=${1:-manifests}
# rename NAME prints the ConfigMap of $from under that name, without the comment at its head.
rename() { sed -e '1,/^apiVersion: /{/^apiVersion: /!d}' -e "s/^  name: kymaros-sandbox-modifiers$/  name: $1/" "$from"; }
ask_our_dns() {
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
}
# no_class has claims without a class get one that never binds, instead of the default.
no_class() { sed 's/^            storageClassName: null$/            storageClassName: kymaros-no-class/'; }
{
  cat <<'Y'
# Made by hack/update-modifiers.sh from 20-modifiers.yaml: its rules, and the last one, for sandboxes with networkIsolation group.
# The controller puts the address of Service kymaros-dns between the brackets, and the fence lets it change nothing else, but what a
# test maps. If the domain of the cluster is another than cluster.local, change it here too.
Y
  rename kymaros-group-modifiers
  ask_our_dns
} >"$to/25-group-modifiers.yaml"
{
  cat <<'Y'
# Made by hack/update-modifiers.sh: the rules of 20-modifiers.yaml and 25-group-modifiers.yaml, but that claims without a class get
# kymaros-no-class (17-storageclass.yaml). A claim without any makes Velero 1.15 to 1.18 crash, with each start anew. So Restores
# name these where there is no default class and no fence that would refuse such claims.
Y
  rename kymaros-sandbox-no-class | no_class
  echo ---
  rename kymaros-group-no-class | no_class
  ask_our_dns
} >"$to/27-no-class-modifiers.yaml"
