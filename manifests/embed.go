// Package manifests holds those of the manifests that a program compares the cluster or a file with.
package manifests

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed fence/*.yaml
var files embed.FS

//go:embed crds/*.yaml
var crds embed.FS

// Fence returns the files of fence/ as they are shipped, as one stream of YAML documents. It fails only if the program was
// built without them.
func Fence() ([]byte, error) { return stream(files, "fence/*.yaml") }

// CRDs returns the files of crds/, likewise.
func CRDs() ([]byte, error) { return stream(crds, "crds/*.yaml") }

func stream(files embed.FS, pattern string) ([]byte, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return []byte(strings.Join(all, "---\n")), nil
}
