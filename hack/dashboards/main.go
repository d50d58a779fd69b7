// dashboards writes the Grafana dashboards of manifests/monitoring into a directory; with -queries it prints all their queries as rules,
// for promtool to parse.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	queries := flag.Bool("queries", false, "print the queries as rules")
	flag.Parse()
	if err := run(*queries, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(queries bool, directory string) error {
	all := []dashboard{overview(), oneTest(), system()}
	if queries {
		fmt.Print(rules(all))
		return nil
	}
	for _, d := range all {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", " ")
		if err := encoder.Encode(d.model()); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, d.file), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// rules returns each query as a recording rule, with what Grafana puts in for its variables.
func rules(all []dashboard) string {
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "7d", "$namespace", "prod", "$test", "shop")
	var text strings.Builder
	text.WriteString("groups:\n- name: dashboards\n  rules:\n")
	for _, d := range all {
		for i, p := range d.panels {
			for j, q := range p.queries {
				fmt.Fprintf(&text, "  - record: %s:panel:%d_%d\n    expr: %q\n", strings.ReplaceAll(d.uid, "-", "_"), i, j, variables.Replace(q.expr))
			}
		}
	}
	return text.String()
}
