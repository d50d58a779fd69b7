#!/usr/bin/env bash
# Builds promtool, or the server prometheus, pinned by hack/tools/promtool, unless it is there, and prints its path:
# hack/promtool.sh [promtool|prometheus].
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what=${1:-promtool}
mkdir -p _output/tools
# Without what finds targets in clouds, which no rule needs.
(cd hack/tools/promtool && go build -trimpath -tags remove_all_sd -o "$OLDPWD/_output/tools/" "github.com/prometheus/prometheus/cmd/$what") >&2
echo "$PWD/_output/tools/$what"
