#!/usr/bin/env bash
# go build that says how far it is: [OUT=FILE-OR-DIRECTORY/] hack/compile.sh FLAG... PACKAGE..., in the directory and environment of the
# caller. An interrupted one goes on where it was: Go keeps what is compiled.
set -euo pipefail
left=$(go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "$@" | wc -l)
[ "$left" -lt 50 ] || echo "compiling $left packages" >&2
began=$SECONDS told=$SECONDS n=0
go build -v ${OUT:+-o "$OUT"} "$@" 2>&1 | while IFS= read -r line; do
  case $line in
    '' | *[\ :#]* | .*) printf '%s\n' "$line" >&2 ;; # what the compiler complains of
    *)
      n=$((n + 1))
      ((SECONDS - told < 15 || n >= left)) && continue
      told=$SECONDS
      echo "$n of $left packages compiled; the rest takes about $(((told - began) * (left - n) / n)) s" >&2
      ;;
  esac
done
