#!/usr/bin/env bash
# Shows one restore test from beginning to end: a shop with 50,000 orders, a Velero backup of it, and the proof that the
# backup restores into a working shop. Without KUBECONFIG it starts the one-node cluster of test/cluster (root on Linux);
# with KUBECONFIG=FILE it uses that cluster, where Velero must be installed with its node agent. A second call is quicker.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
began=$SECONDS
step() { printf '\n\033[1m[%3ds] %s\033[0m\n' $((SECONDS - began)) "$*"; }
# table lays out lines of fields; a minimal Debian has no column.
table() { if command -v column >/dev/null; then column -t -s '|'; else tr '|' '\t'; fi; }
fail() { echo "demo: $*" >&2; exit 1; }

image=ghcr.io/kymaros/kymaros:v0.1.0
case ${KUBECONFIG:-} in */kymaros/clusters/*) unset KUBECONFIG ;; esac # that of our own cluster
if [ -n "${KUBECONFIG:-}" ]; then
  own=no
  postgres=${POSTGRES_IMAGE:-docker.io/library/postgres:15} web=${WEB_IMAGE:-docker.io/library/busybox:1}
  command -v kubectl >/dev/null || fail "kubectl is not installed"
  step "Using the cluster of $KUBECONFIG"
  kubectl -n velero get deployment velero >/dev/null || fail "Velero is not installed in namespace velero of that cluster: install it with --use-node-agent"
else
  own=yes
  postgres=docker.io/kymaros/demo-postgres:15 web=docker.io/kymaros/demo-web:1
  step "Cluster: one node, Velero with its node agent, an S3 store (the first time, everything is built: 15 to 25 minutes)"
  test/cluster/run.sh up
  eval "$(test/cluster/run.sh env)"
  step "Image of the controller"
  hack/image.sh _output/image
  test/cluster/run.sh image "$image" _output/image --entrypoint /kymaros-controller --user 65532
fi

step "Kymaros: kubectl apply -f manifests/crds -f manifests -f manifests/fence"
kubectl apply -f manifests/crds -f manifests -f manifests/fence
kubectl wait --for condition=established --timeout 30s crd/restoretests.restore.kymaros.io >/dev/null
if [ $own = yes ]; then
  # The tag stays the same, so a new build would not be noticed.
  for name in controller prober dns api; do
    build=$(sha256sum "_output/image/kymaros-${name/prober/controller}" | cut -c1-16) # one program
    kubectl -n kymaros-system patch deployment "kymaros-$name" -p \
      "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"demo/build\":\"$build\"}},\"spec\":{\"containers\":[{\"name\":\"$name\",\"imagePullPolicy\":\"Always\"}]}}}}" >/dev/null
  done
  build=$(sha256sum _output/image/kymaros-canary | cut -c1-16)
  for workload in -targets/deployment/canary-guide -targets/daemonset/canary-target /daemonset/canary-fenced /daemonset/canary-control; do
    kubectl -n "kymaros-canary${workload%%/*}" patch "${workload#*/}" -p \
      "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"demo/build\":\"$build\"}},\"spec\":{\"containers\":[{\"name\":\"canary\",\"imagePullPolicy\":\"Always\"}]}}}}" >/dev/null
  done
fi
for name in controller prober dns api; do
  kubectl -n kymaros-system rollout status "deployment/kymaros-$name" --timeout 120s
done
for workload in -targets/deployment/canary-guide -targets/daemonset/canary-target /daemonset/canary-control /daemonset/canary-fenced; do
  kubectl -n "kymaros-canary${workload%%/*}" rollout status "${workload#*/}" --timeout 120s ||
    fail "the canaries do not prove that your network plugin enforces NetworkPolicies: kubectl -n kymaros-canary${workload%%/*} logs -l app.kubernetes.io/component=${workload##*/}"
done

step "Application: a shop with a database and a web server"
sed -e "s#POSTGRES_IMAGE#$postgres#" -e "s#WEB_IMAGE#$web#" hack/demo/shop.yaml | kubectl apply -f -
kubectl -n kymaros-demo rollout status statefulset/db --timeout 180s
kubectl -n kymaros-demo rollout status deployment/web --timeout 180s
sql() { kubectl -n kymaros-demo exec db-0 -c postgres -- psql -U postgres -d shop -v ON_ERROR_STOP=1 -tAc "$1"; }
sql "CREATE TABLE IF NOT EXISTS orders AS SELECT n AS id, md5(n::text) AS article, n * 7 % 1000 AS cents FROM generate_series(1, 50000) n" >/dev/null 2>&1
echo "orders in production: $(sql 'SELECT count(*) FROM orders')"

# A backup is as old as the database it was made of: a new database gets a new one.
backup=kymaros-demo-$(kubectl -n kymaros-demo get pvc data-db-0 -o 'jsonpath={.metadata.uid}' | cut -c1-8)
step "Backup $backup, with the data of the volume"
sql CHECKPOINT >/dev/null
kubectl apply -f - <<Y
apiVersion: velero.io/v1
kind: Backup
metadata: {name: $backup, namespace: velero}
spec: {includedNamespaces: [kymaros-demo], defaultVolumesToFsBackup: true, ttl: 720h}
Y
phase() { kubectl -n velero get backup "$backup" -o 'jsonpath={.status.phase}'; }
until [[ $(phase) =~ ^(Completed|Failed|PartiallyFailed|FailedValidation)$ ]]; do sleep 1; done
[ "$(phase)" = Completed ] || fail "the backup is $(phase): velero backup describe $backup --details"
# Of some kinds of volumes Velero leaves the data out and says nothing.
kubectl -n velero get podvolumebackups -l "velero.io/backup-name=$backup" -o name | grep -q . ||
  fail "the backup has no data of the volume; Velero cannot read hostPath volumes: hack/demo/README.md says what to do with kind"
kubectl -n velero get podvolumebackups -l "velero.io/backup-name=$backup"

step "Restore test"
last=$(kubectl -n kymaros-system get restoretest shop --ignore-not-found -o 'jsonpath={.status.run.id}')
sed -e "s#BACKUP#$backup#" -e "s#REQUEST#$(date +%s)#" hack/demo/restoretest.yaml | kubectl apply -f -
get() { kubectl -n kymaros-system get restoretest shop -o "jsonpath=$1"; }
told=
began_restore=
for _ in $(seq 1800); do
  run=$(get '{.status.run.id}')
  now=$(get '{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}' | grep -v '^Scheduled\|Waiting:' | tail -n 1 || true)
  if [ -n "$run" ] && [ "$run" != "$last" ]; then
    if [ -n "$now" ] && [ "$now" != "$told" ]; then printf '[%3ds] %s\n' $((SECONDS - began)) "$now"; told=$now; fi
    case $now in *"Restored=Unknown Queued"* | *"Restored=Unknown Waiting"*) ;; Restored=*) began_restore=${began_restore:-$((SECONDS - began))} ;; esac
    [ "$(get '{.status.phase}')" = Running ] || break
  fi
  sleep 0.5
done
[ "$(get '{.status.phase}')" != Running ] || fail "the run did not end: kubectl -n kymaros-system describe restoretest shop"
[ -z "$began_restore" ] || echo "from the command to the restore: $began_restore s"

step "kubectl -n kymaros-system describe restoretest shop"
kubectl -n kymaros-system describe restoretest shop

report=$(get '{.status.lastReportRef}')
step "Report $report"
kubectl -n kymaros-system get restorereport "$report" -o wide
row() { kubectl -n kymaros-system get restorereport "$report" -o "jsonpath=$1"; }
echo
{
  echo "LEVEL|STATUS|POINTS|DETAIL"
  for level in restoreIntegrity completeness podStartup internalHealth crossNamespaceDeps rtoCompliance; do
    row "{\"$level\"}|{.status.validationLevels.$level.status}|{.status.validationLevels.$level.points}/{.status.validationLevels.$level.max}|{.status.validationLevels.$level.detail}{\"\n\"}"
  done
} | table
echo
{
  echo "CHECK|STATUS|DURATION|MESSAGE"
  row '{range .status.checks[*]}{.name}|{.status}|{.duration}|{.message}{"\n"}{end}'
} | table
echo
{
  echo "RECOVERY TIME|TARGET|QUEUE|RESTORE|VOLUME DATA|PODS|CHECKS"
  row '{.status.rto.measured}|{.status.rto.target}|{.status.rto.parts.queue}|{.status.rto.parts.restore}|{.status.rto.parts.volumeData}|{.status.rto.parts.pods}|{.status.rto.parts.checks}{"\n"}'
} | table

step "What is left of the run"
left=$(kubectl get namespaces -l kymaros.io/managed-by=kymaros -o name; kubectl -n velero get restores -l kymaros.io/managed-by=kymaros -o name; kubectl get pv -o 'jsonpath={range .items[*]}{.spec.claimRef.namespace}{"\n"}{end}' | grep '^rp-test-' || true)
[ -z "$left" ] || fail "there are leftovers: $left"
echo "nothing: no namespace, no Restore, no volume"
result=$(get '{.status.lastResult}')
step "The same with the kubectl plugin"
hack/build.sh _output/bin ./cmd/kubectl-kymaros
for verb in "history shop" "last-good shop" "gate shop --max-age 24h"; do
  echo "\$ kubectl kymaros $verb -n kymaros-system"
  # shellcheck disable=SC2086 # a verb and its arguments
  _output/bin/kubectl-kymaros $verb -n kymaros-system || true # the demo ends with the result of the test
  echo
done
step "The dashboard"
kubectl apply -f hack/demo/viewer.yaml
scratch=$(mktemp -d)
kubectl -n kymaros-system port-forward service/kymaros-api :443 >"$scratch/forward" 2>&1 &
forward=$!
trap 'kill "$forward" 2>/dev/null || true; rm -rf "$scratch"' EXIT
# Not as an argument, which everybody on this machine can read.
(umask 077 && printf 'Authorization: Bearer %s\n' "$(kubectl -n kymaros-demo create token viewer --duration 10m)" >"$scratch/header")
ask() { curl -sk --max-time 5 -H "@$scratch/header" -H 'Accept: text/html, application/json' "https://127.0.0.1:$port$1"; }
if command -v curl >/dev/null; then
  shown=no
  for _ in $(seq 150); do
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$scratch/forward")
    if [ -n "$port" ] && [[ $(ask "/api/v1/namespaces/kymaros-system/reports?test=shop") == *"\"$report\""* ]] && [[ $(ask /tests/kymaros-system/shop) == *"<title>Kymaros</title>"* ]]; then shown=yes; break; fi
    sleep 0.2
  done
  [ $shown = yes ] || fail "the dashboard does not show report $report: kubectl -n kymaros-system logs deployment/kymaros-api; $(cat "$scratch/forward")"
  echo "it shows report $report"
else
  echo "curl is not installed, so nobody looked whether it shows report $report"
fi

step "Evidence: the chain of reports, and an export of it without the cluster"
verify() {
  echo "\$ kubectl kymaros verify $*"
  _output/bin/kubectl-kymaros verify "$@" || fail "the chain of reports does not verify"
}
verify shop -n kymaros-system
_output/bin/kubectl-kymaros export shop -n kymaros-system --to "$scratch/evidence" || fail "the reports cannot be exported"
verify --from "$scratch/evidence"

step "Result: $result, score $(get '{.status.lastScore}')"
echo "Look further:"
if [ $own = yes ]; then echo "  eval \"\$(test/cluster/run.sh env)\"      # kubectl and velero for this cluster; make cluster-down ends it"; fi
cat <<Y
  kubectl -n kymaros-system get restoretests,restorereports,healthcheckpolicies
  kubectl -n kymaros-system get restorereport $report -o yaml
  kubectl -n kymaros-system get events --field-selector involvedObject.name=shop
  kubectl -n kymaros-system logs deployment/kymaros-controller      # and deployment/kymaros-prober
  _output/bin/kubectl-kymaros run shop -n kymaros-system --wait   # run it again

Dashboard: https://localhost:8443/tests/kymaros-system/shop, as long as this runs (the certificate is one that it signed itself):
  kubectl -n kymaros-system port-forward service/kymaros-api 8443:443
Sign in with the token that this prints:
  kubectl -n kymaros-demo create token viewer --duration 8h
Y
[ "$result" = pass ]
