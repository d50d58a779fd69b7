#!/usr/bin/env bash
# Looks for known vulnerabilities in what the commands of cmd/ call: hack/vulncheck.sh [PACKAGE...]. The database is that of
# GOVULNDB, or https://vuln.go.dev. Without a network: GOVULNDB=file:///DIR, with what https://vuln.go.dev/vulndb.zip holds.
# Ends with 0 if nothing was found, 3 if something was, and 4 if nothing was checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
db=${GOVULNDB:-https://vuln.go.dev}
unchecked() {
  echo "NOTHING WAS CHECKED for vulnerabilities: $1" >&2
  exit 4
}
case $db in
  file://*) [ -f "${db#file://}/index/modules.json" ] || unchecked "$db is no vulnerability database: it has no index/modules.json" ;;
esac
export GOFLAGS="${GOFLAGS:-} -trimpath"
mkdir -p _output/tools
(cd hack/tools/govulncheck && go build -o "$root/_output/tools/" tool) || unchecked "govulncheck cannot be built"
[ $# -gt 0 ] || set -- ./cmd/...
status=0
_output/tools/govulncheck -db "$db" "$@" || status=$?
case $status in
  0 | 3) exit $status ;;
  *) unchecked "govulncheck ended with $status; if it could not reach $db, set GOVULNDB=file:///DIR" ;;
esac
