#!/usr/bin/env bash
# Writes the pages of the reference that the code knows, below the root of the project or the directory of the argument.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
to=${1:-.}
mkdir -p "$to/manifests" "$to/pkg/apis/restore/v1alpha1"
# What a node tells its canary is no default.
env -u NODE_NAME -u NODE_IP -u KUBECONFIG go run -trimpath ./hack/reference flags >"$to/manifests/flags.md"
go run -trimpath ./hack/reference reasons >"$to/pkg/apis/restore/v1alpha1/reasons.md"
