#!/usr/bin/env bash
# Fails if pkg/server/openapi.json is not what kymaros-api serves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go test -trimpath -count=1 -run 'TestTheDocumentThatIsCheckedIn$' ./pkg/server ||
  { echo "Please run hack/update-openapi.sh" >&2; exit 1; }
