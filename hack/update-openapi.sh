#!/usr/bin/env bash
# Writes pkg/server/openapi.json: what kymaros-api serves at /openapi.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go test -trimpath -count=1 -run 'TestTheDocumentThatIsCheckedIn$' ./pkg/server -update
