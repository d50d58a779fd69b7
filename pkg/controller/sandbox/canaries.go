package sandbox

import (
	"context"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// Options of the sandbox controller.
type Options struct {
	// SystemNamespace is that of our DNS.
	SystemNamespace string
	// IsolationProof is one of the modes of package isolation.
	IsolationProof string
	// IsolationPatience is how long a run waits for a proof of isolation.
	IsolationPatience time.Duration
	// OpenShift: sandboxes get the users of their source namespaces.
	OpenShift bool
	// Bounds are what one sandbox may take.
	Bounds bounds.Bounds
	// Bindings: the controller lets those into a sandbox, by RoleBindings, who may look. Without, they have their rights everywhere.
	Bindings bool
}

// isolation asks what the canaries show at this moment, unless nobody wants to know.
func (c *Controller) isolation(ctx context.Context) (isolation.Proof, error) {
	if c.proof == isolation.Off {
		return isolation.Proof{State: v1alpha1.IsolationOff}, nil
	}
	return isolation.Look(ctx, c.kube)
}
