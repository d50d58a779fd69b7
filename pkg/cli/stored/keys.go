package stored

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// keysName is the ConfigMap in which an administrator keeps the public keys, of old keys too.
const keysName = "kymaros-evidence-keys"

// Keys returns the public keys of files, and without files those of the ConfigMap kymaros-evidence-keys; with why there are none.
func Keys(ctx context.Context, c client.Clients, system string, files []string) (keys evidence.Keys, why string, err error) {
	if len(files) > 0 {
		keys, err = KeysOf(files)
		return keys, "", err
	}
	keys = evidence.Keys{}
	cm, err := c.Kube.CoreV1().ConfigMaps(system).Get(ctx, keysName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return keys, fmt.Sprintf("there is no ConfigMap %s in namespace %s", keysName, system), nil
	case apierrors.IsForbidden(err):
		return keys, fmt.Sprintf("you may not read ConfigMap %s in namespace %s: give the public keys with --key", keysName, system), nil
	case err != nil:
		return nil, "", err
	}
	for _, name := range slices.Sorted(maps.Keys(cm.Data)) {
		if err := keys.Add([]byte(cm.Data[name])); err != nil {
			return nil, "", fmt.Errorf("ConfigMap %s/%s, %s: %w", system, keysName, name, err)
		}
	}
	return keys, "", nil
}

// KeysOf returns the public keys of files.
func KeysOf(files []string) (evidence.Keys, error) {
	keys := evidence.Keys{}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // the user names it
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		if err := keys.Add(text); err != nil {
			return nil, fmt.Errorf("--key %s: %w", file, err)
		}
	}
	return keys, nil
}

// KeysIn returns the public keys of an exported directory.
func KeysIn(dir string) (evidence.Keys, error) {
	files, err := filepath.Glob(filepath.Join(escaped(dir), KeyDir, "*.pem"))
	if err != nil {
		return nil, err
	}
	return KeysOf(files)
}

// escaped keeps what the user named from being a pattern.
func escaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
