package velero

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxLabel is how long the value of a label may be, in bytes.
const maxLabel = 63

// LabelValue returns the name of a Backup or Restore as Velero puts it into labels: the end of a longer one is a hash.
func LabelValue(name string) string {
	if len(name) <= maxLabel {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxLabel-6] + hex.EncodeToString(sum[:])[:6]
}
