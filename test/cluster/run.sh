#!/usr/bin/env bash
# Builds the harness into the user's cache and runs it: test/cluster/run.sh COMMAND..., from anywhere.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kymaros
# One for each checkout: they may differ.
bin=$cache/harness-$(printf %s "$here" | cksum | cut -d' ' -f1)/kymaros-cluster
mkdir -p "$(dirname "$bin")"
(cd "$here" && GOWORK=off GOFLAGS=-buildvcs=false OUT=$bin ../../hack/compile.sh .)
exec "$bin" "$@"
