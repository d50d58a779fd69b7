# What the scripts of cases can call. NS is the namespace of the application, TESTS that of the RestoreTests, SUFFIX what
# ends all names of this run.

# k is kubectl in the application's namespace.
k() { kubectl -n "$NS" "$@"; }

# eventually SECONDS COMMAND... tries until it succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || { echo "did not come true: $*" >&2; return 1; }
    sleep 1
  done
}

# bare lists the pods that nobody owns.
bare() { k get pods -o go-template='{{range .items}}{{if not .metadata.ownerReferences}}pod/{{.metadata.name}} {{end}}{{end}}'; }

# why tells what is wrong with the pods.
why() { k get pods >&2; k get events --field-selector type=Warning -o custom-columns=OBJECT:.involvedObject.name,MESSAGE:.message >&2; }

# ready waits for all workloads and bare pods.
ready() {
  local w
  for w in $(k get deployments,statefulsets,daemonsets -o name); do
    k rollout status "$w" --timeout=180s >/dev/null || { why; return 1; }
  done
  for w in $(bare); do k wait --for=condition=Ready "$w" --timeout=120s >/dev/null || { why; return 1; }; done
}

# psql asks the database of template "db".
psql() { timeout 120 kubectl -n "$NS" exec db-0 -c postgres -- psql -U postgres -d shop -v ON_ERROR_STOP=1 -qtA "$@"; }

# rows NUMBER puts that many orders on the disk of the database.
rows() { psql -c "CREATE TABLE orders AS SELECT n AS id FROM generate_series(1,$1) n" -c CHECKPOINT; }

# sandbox [TEST] prints the namespace that stands for the application in a test that is under way.
sandbox() { kubectl get namespaces -l "kymaros.io/test=${1:-$NS}" -o go-template='{{range .items}}{{.metadata.name}}{{end}}'; }

# copied LABEL tells whether there is a pod of that label in the sandbox, running LABEL whether one runs.
copied() { [ -n "$(sandbox)" ] && [ -n "$(kubectl -n "$(sandbox)" get pods -l "$1" -o name)" ]; }
running() { [ -n "$(sandbox)" ] && [ -n "$(kubectl -n "$(sandbox)" get pods -l "$1" --field-selector status.phase=Running -o name)" ]; }
