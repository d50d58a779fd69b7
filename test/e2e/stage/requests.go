package stage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/audit"
)

// Requests returns what the ServiceAccounts of the manifests have asked for since then.
func (c *Cluster) Requests(since time.Time) ([]audit.Request, error) {
	log, err := os.Open(filepath.Join(c.Dir, "audit.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return audit.Read(log, []string{SystemNamespace, canary.TargetNamespace}, since)
}

// NothingDenied returns an error if anything of that was denied.
func (c *Cluster) NothingDenied(since time.Time) error {
	requests, err := c.Requests(since)
	if err != nil {
		return err
	}
	if denied := audit.Forbidden(requests); len(denied) > 0 {
		return fmt.Errorf("denied:\n\t%s", strings.Join(denied, "\n\t"))
	}
	return nil
}
