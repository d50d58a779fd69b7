// Command chart writes what is generated of the Helm chart from the plain manifests: chart MANIFESTS CHART. Each manifest becomes a template
// that gives the same objects with the default values; values.go says where a value stands instead. It fails if a manifest
// has changed so that a value would not have its effect any more.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: chart MANIFESTS CHART")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "hack/chart:", err)
		os.Exit(1)
	}
}

// run reads the directory of manifests, and writes into that of the chart.
func run(manifests, chart string) error {
	c, err := newContents(manifests)
	if err != nil {
		return err
	}
	if err := c.templates(); err != nil {
		return err
	}
	if err := c.dashboards(); err != nil {
		return err
	}
	values, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		return err
	}
	if c.files["README.md"], err = readme(text, values); err != nil {
		return err
	}
	// What is not made any more must not stay.
	for _, made := range []string{"templates/manifests", "dashboards"} {
		if err := os.RemoveAll(filepath.Join(chart, made)); err != nil {
			return err
		}
	}
	for name, text := range c.files {
		file := filepath.Join(chart, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // everybody may read the chart
			return err
		}
	}
	return nil
}
