#!/usr/bin/env bash
# Runs one layer of tests: hack/test.sh unit|integration|chart|dashboard|soak|e2e|real|nodes|surroundings|disaster|velero|cases|zoo|versions|readme|bench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# skip says what was not run. In CI nothing may be left out unnoticed.
skip() {
  echo "SKIPPED $1" >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
}

# needs_node leaves the script unless this machine can run a cluster node.
needs_node() {
  [ "$(uname -s)" = Linux ] || skip "$1: a node needs Linux, and this is $(uname -s)"
  [ "$(id -u)" = 0 ] || skip "$1: a node needs root; run it as root"
}

# browser has a Chromium be there, or leaves the script. Node.js drives it.
browser() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then skip "$1: Node.js is not on this machine"; fi
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then skip "$1: Chromium is not on this machine"; fi
  apt-get install -y -q --no-install-recommends chromium >&2 || { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } >&2 || skip "$1: Chromium cannot be installed"
}

# race is the flag of the race detector, which needs a C compiler.
race() {
  if command -v "$(go env CC)" >/dev/null; then
    echo -race
  elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q gcc libc6-dev >&2 && echo -race
  else
    echo "SKIPPED the race detector: it needs a C compiler; install $(go env CC)" >&2
    [ "${CI:-}" != true ]
  fi
}

# -trimpath: what one checkout has compiled, vendor/ above all, serves every other.
case ${1:-} in
  unit)
    race=$(race)
    # With the race detector all is compiled once more, which is silent for minutes the first time.
    # shellcheck disable=SC2086 # none, or one
    CGO_ENABLED=${race:+1} hack/compile.sh $race -trimpath ./cmd/... ./pkg/...
    # shellcheck disable=SC2086 # none, or one
    CGO_ENABLED=${race:+1} go test $race -trimpath ./cmd/... ./pkg/...
    hack/compile.sh -trimpath ./cmd/... ./pkg/...
    go test -trimpath ./hack/chart/ ./hack/krew/ ./hack/sbom/ ./test/audit/ ./test/docs/ ./test/readme/ ./test/fuzz/
    go test -trimpath -count=1 -short ./test/chart/ # with Helm, built of Go modules
    go test -trimpath -skip '^TestFieldCases$' ./test/cases/
    go test -trimpath -skip '^TestZoo$' ./test/zoo/
    (cd test/cluster && go test -trimpath ./...)
    ;;
  integration)
    # -short leaves out what is slow and that few changes can break. Packages run side by side: each has a control plane of its own and
    # waits most of the time.
    short=
    [[ " $* " != *" -short "* ]] || short=-short
    older=
    if [ -n "$short" ]; then
      # One after the other: a build takes all processors.
      test/cluster/run.sh build --control-plane
      hack/versions.sh -build -short
      (hack/versions.sh -short 2>&1 | sed -u 's/^/the oldest Kubernetes: /') &
      older=$!
    fi
    failed=0
    go test -trimpath -count=1 -timeout 30m ./test/integration/... ./test/cli/ ./test/archive/ ./test/faults/ "${@:2}" || failed=1
    [ -z "$older" ] || wait "$older" || failed=1
    [ -n "$short" ] || # all of it is slow
      KYMAROS_VELERO_NAMESPACE=openshift-adp go test -trimpath -count=1 -timeout 10m -run '^TestNoRunStartsUnlessTheFenceIsIntact$' ./test/integration/
    exit "$failed"
    ;;
  chart)
    # Flags go to the tests: hack/test.sh chart -short needs no control plane; make test-chart-node has those for a node.
    go test -trimpath -count=1 -timeout 40m ./test/chart/ "${@:2}"
    ;;
  versions)
    # Other versions of Kubernetes: hack/test.sh versions 1.30; -short before them leaves slow tests out and, without any, means the oldest.
    hack/versions.sh "${@:2}"
    ;;
  dashboard)
    # In Chromium; flags go to the tests: hack/test.sh dashboard -bench . for 1,000 tests, or -short for what every change needs.
    browser "the dashboard in a browser"
    (cd pkg/dashboard/web && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; })
    go test -trimpath -count=1 -timeout 30m ./test/dashboard/ "${@:2}"
    ;;
  soak)
    # Every fault at every request of a run; flags go to the tests.
    go test -trimpath -count=1 -timeout 4h -v ./test/faults/ -faults=0 "${@:2}"
    ;;
  e2e)
    # -short leaves out what is slow and that few changes can break.
    needs_node "end-to-end tests"
    go test -trimpath -count=1 -timeout 60m ./test/e2e/... "${@:2}"
    go test -trimpath -count=1 -timeout 30m -run '^TestFieldCases$' ./test/cases/ -quick
    ;;
  velero)
    # The end-to-end tests with other versions of Velero: hack/test.sh velero 1.17.2. Without any, with the last of each minor before the usual one.
    needs_node "other versions of Velero"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-velero} # of its own: others have the usual one
    shift
    [ $# != 0 ] || set -- 1.17.2 1.16.2 1.15.2
    failed=
    for version; do
      go test -trimpath -count=1 -timeout 60m -v ./test/e2e/ -velero "$version" || failed+=" $version"
    done
    [ -z "$failed" ] || { echo "hack/test.sh: not all tests pass with Velero$failed" >&2; exit 1; }
    ;;
  readme)
    needs_node "the commands of README files"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-readme} # of its own, and new: a newcomer has installed nothing yet
    test/cluster/run.sh down
    go test -trimpath -count=1 -timeout 60m ./test/readme/ -on-cluster "${@:2}"
    ;;
  real)
    # Flags go to the tests: hack/test.sh real -run OutOfASnapshot, or -velero 1.18.2. Without any, all that README's table tells of.
    needs_node "storage as clusters have it"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-real} # of its own: others have no CSI
    if [ $# -gt 1 ]; then
      go test -trimpath -count=1 -timeout 60m -v ./test/real/ "${@:2}"
    else
      go test -trimpath -count=1 -timeout 60m -v ./test/real/
      go test -trimpath -count=1 -timeout 60m -v ./test/real/ -velero 1.18.2
    fi
    ;;
  nodes)
    # Flags go to the tests: hack/test.sh nodes -run Drained.
    needs_node "several nodes"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-nodes} # of its own: others have one node
    go test -trimpath -count=1 -timeout 60m -v ./test/nodes/ "${@:2}"
    ;;
  surroundings)
    needs_node "clusters that are set up otherwise"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-surroundings} # of its own: others have other defaults
    go test -trimpath -count=1 -timeout 40m -v ./test/surroundings/ "${@:2}"
    ;;
  disaster)
    needs_node "a second cluster"
    export KYMAROS_CLUSTER=${KYMAROS_CLUSTER:-disaster} # and another of that name with -first
    go test -trimpath -count=1 -timeout 40m -v ./test/disaster/ "${@:2}"
    ;;
  cases)
    needs_node "field cases"
    # Flags go to the tests: hack/test.sh cases -run TestFieldCases/07, or -quick.
    go test -trimpath -count=1 -timeout 90m -v ./test/cases/ "${@:2}"
    ;;
  zoo)
    needs_node "odd objects"
    go test -trimpath -count=1 -timeout 40m -v -run '^TestZoo$' ./test/zoo/
    ;;
  bench)
    go test -trimpath -count=1 -timeout 30m -run '^$' -bench . -benchtime 1x ./test/integration/
    needs_node "measurements"
    go test -trimpath -count=1 -timeout 60m -v -bench . ./test/bench/...
    ;;
  *)
    echo "usage: hack/test.sh unit|integration|chart|dashboard|soak|e2e|real|nodes|surroundings|disaster|velero|cases|zoo|versions|readme|bench" >&2
    exit 2
    ;;
esac
