#!/usr/bin/env bash
# Fails if a controller imports another: they meet only in the status of the RestoreTest and in objects found by label.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
all=github.com/kymaros/kymaros/pkg/controller
imports='{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}{{range .TestImports}}{{$p}} {{.}}{{"\n"}}{{end}}{{range .XTestImports}}{{$p}} {{.}}{{"\n"}}{{end}}'
go list -f "$imports" ./pkg/controller/... | awk -v all="$all/" '
  index($1, all) == 1 && index($2, all) == 1 {
    split(substr($1, length(all) + 1), importer, "/")
    split(substr($2, length(all) + 1), imported, "/")
    if (importer[1] != imported[1]) {
      print $1 " imports " $2 ": controllers know nothing of each other, move what both need to a package outside pkg/controller/*/"
      bad = 1
    }
  }
  END { exit bad }' >&2
