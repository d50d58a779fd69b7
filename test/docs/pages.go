// Package docs tests that what README files say is so. It needs nothing but the tree.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Pages returns the Markdown files below root that are the project's own, by their path from there.
func Pages(root string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && slices.Contains([]string{"vendor", "node_modules", ".git", "_output", "testdata"}, e.Name()):
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		all[name] = string(content)
		return err
	})
	return all, err
}
