package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/audit"
)

// checkPermissions reads in the audit log what our ServiceAccounts have asked for in all tests. It fails if something was
// denied; with -v it names the grants that nothing here has used. The end-to-end tests fail on those.
func checkPermissions() error {
	log, err := os.Open(auditLog)
	if err != nil {
		return err
	}
	defer log.Close()
	requests, err := audit.Read(log, []string{systemNamespace, canary.TargetNamespace}, time.Time{})
	if err != nil {
		return err
	}
	if testing.Verbose() && len(requests) > 0 {
		grants, err := audit.GrantsIn(filepath.Join(root, "manifests"))
		if err != nil {
			return err
		}
		for _, g := range audit.Unused(grants, requests) {
			fmt.Printf("granted, and not used in these tests: %s\n", g)
		}
	}
	if withoutSources {
		requests = slices.DeleteFunc(requests, func(r audit.Request) bool { return r.Forbidden && r.Namespace == "src-shut" })
	}
	// A test shows what is said of a Secret that may not be read.
	requests = slices.DeleteFunc(requests, func(r audit.Request) bool {
		return r.Forbidden && r.Resource == "secrets" && r.Account == "kymaros-notify"
	})
	if denied := audit.Forbidden(requests); len(denied) > 0 {
		return errors.New("denied: " + strings.Join(denied, ", "))
	}
	return nil
}
