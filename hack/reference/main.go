// Command reference prints a page of the reference that the code knows: flags, for manifests/flags.md, or reasons, for
// pkg/apis/restore/v1alpha1/reasons.md. It runs in the root of the project.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	page := ""
	if len(os.Args) == 2 {
		page = os.Args[1]
	}
	text, err := text(page)
	if err == nil {
		_, err = os.Stdout.WriteString(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func text(page string) (string, error) {
	var b strings.Builder
	switch page {
	case "flags":
		flags(&b)
		return b.String(), nil
	case "reasons":
		err := reasons(&b)
		return b.String(), err
	}
	return "", fmt.Errorf("page %q: want flags or reasons", page)
}
