#!/usr/bin/env bash
# Writes what is generated in manifests/monitoring, or in the directory of the argument: the PrometheusRule, of the same rules as
# kymaros.rules.yaml, and the dashboards. hack/verify-monitoring.sh tells when this has to be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
to=${1:-manifests/monitoring}
mkdir -p "$to/dashboards"
go run -trimpath ./hack/dashboards "$to/dashboards"
{
  cat <<'EOF'
# Made by hack/update-monitoring.sh from kymaros.rules.yaml: edit that.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: kymaros
  namespace: kymaros-system
  labels:
    app.kubernetes.io/name: kymaros
spec:
EOF
  sed '/^#/d; s/^/  /' manifests/monitoring/kymaros.rules.yaml
} >"$to/prometheusrule.yaml"
