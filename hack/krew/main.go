// Command krew checks the krew manifest of the kubectl plugin against the archives that lie beside it, as krew would meet them when it
// installs the plugin: krew DIR, in which hack/krew.sh wrote both.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: krew DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks what is in dir.
func run(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, pluginName+".yaml"))
	if err != nil {
		return err
	}
	m, err := parse(text)
	if err != nil {
		return err
	}
	all := m.faults()
	for _, p := range m.Spec.Platforms {
		if err := p.archive(dir, m.Spec.Version); err != nil {
			all = append(all, fmt.Errorf("%s: %w", p, err))
		}
	}
	return errors.Join(all...)
}
