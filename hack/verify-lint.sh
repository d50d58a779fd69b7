#!/usr/bin/env bash
# Runs the linters of .golangci.yaml. The first run builds them, which takes some minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
export GOFLAGS="${GOFLAGS:-} -trimpath" # what one checkout has compiled serves every other
mkdir -p _output/tools
(cd hack/tools/golangci-lint && go build -o "$root/_output/tools/" tool)
good=true
for module in . test/cluster; do
  (cd "$module" && "$root/_output/tools/golangci-lint" run --config "$root/.golangci.yaml" ./...) || good=false
done
$good
