#!/usr/bin/env bash
# Fails for a file of the product, or of the tools beside it, that knows more than one thing: those have never needed more lines. Tests are
# tables, and generated code is nobody's to split.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
most=350
long=$(find cmd pkg hack \( -name '*.go' -o -name '*.ts' -o -name '*.tsx' -o -name '*.sh' \) ! -name '*_test.go' ! -name 'zz_generated.*' ! -path '*/generated/*' ! -path '*/node_modules/*' \
  -exec wc -l {} + | awk -v most=$most '$1 > most && $2 != "total" { print "  " $2 ": " $1 " lines" }')
[ -z "$long" ] || { printf 'No file has more than %s lines; split:\n%s\n' "$most" "$long" >&2; exit 1; }
