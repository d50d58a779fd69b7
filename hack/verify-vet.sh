#!/usr/bin/env bash
# Runs go vet -trimpath over the product, its tests and the test cluster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go vet -trimpath ./...
(cd test/cluster && go vet -trimpath ./...)
