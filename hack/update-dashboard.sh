#!/usr/bin/env bash
# Makes pkg/dashboard/assets from pkg/dashboard/web: hack/update-dashboard.sh [DIR], by default this checkout. Needs Node.js 20 or
# later, and the npm registry unless the packages are there already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "${1:-$here}/pkg/dashboard/web"
# npm writes this file at the end of an installation; one of older packages is not good enough.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
fi
npm run --silent build -- --logLevel warn
