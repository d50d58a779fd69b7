package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	chain "github.com/kymaros/kymaros/pkg/evidence"
)

// signer returns the newest of the keys in a directory: the last by name. Or why there is none. It is read for each report, so that
// a new key counts without a restart.
func signer(dir string) (*chain.Signer, string) {
	const remedy = "put a private key into Secret kymaros-evidence-key in the controller's namespace"
	if dir == "" {
		return nil, "the controller has no --evidence-key-dir"
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err.Error()
	}
	newest := ""
	for _, entry := range entries {
		// The kubelet's own begin with dots.
		if name := entry.Name(); !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".pub") {
			newest = max(newest, name)
		}
	}
	if newest == "" {
		return nil, "there is no key: " + remedy
	}
	text, err := os.ReadFile(filepath.Join(dir, newest)) //nolint:gosec // an administrator gave the directory
	if err != nil {
		return nil, err.Error()
	}
	key, err := chain.NewSigner(text)
	if err != nil {
		return nil, fmt.Sprintf("key %s: %v", newest, err)
	}
	return key, ""
}
