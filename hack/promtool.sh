#!/usr/bin/env bash
# Builds promtool, pinned by hack/tools/promtool, unless it is there, and prints its path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p _output/tools
# Without what finds targets in clouds, which no rule needs.
(cd hack/tools/promtool && go build -trimpath -tags remove_all_sd -o "$OLDPWD/_output/tools/" tool) >&2
echo "$PWD/_output/tools/promtool"
