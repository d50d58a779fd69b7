package restore

import (
	"context"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// doubt is since when the isolation of a run whose turn it is has not been proven. It is in memory only: after a restart of
// the controller the wait begins anew, and the run's deadline ends it all the same.
type doubt struct {
	runID string
	since time.Time
}

// unisolatedError tells that nothing shows at this moment that sandboxes are cut off.
type unisolatedError struct {
	proof isolation.Proof
	// final: it has lasted.
	final bool
}

func (u unisolatedError) Error() string { return u.proof.Message }

// isolationAtDeadline asks the canaries a last time, to tell why the run ends, if rt's run waits for them and its deadline has
// passed.
func (c *Controller) isolationAtDeadline(ctx context.Context, rt *v1alpha1.RestoreTest, now time.Time) (isolation.Proof, error) {
	expired, _ := conditions.Expired(rt, now)
	if !expired || inDoubt(rt) == "" || c.options.IsolationProof != isolation.Required {
		return isolation.Proof{}, nil
	}
	return isolation.Look(ctx, c.kube)
}

// stillIsolated asks the canaries again: the proof with which the sandbox became ready may be an hour old. The error is an
// unisolatedError if there must be no restore now.
func (c *Controller) stillIsolated(ctx context.Context, rt *v1alpha1.RestoreTest, now time.Time) error {
	if c.options.IsolationProof != isolation.Required {
		return nil
	}
	proof, err := isolation.Look(ctx, c.kube)
	if err != nil {
		return err
	}
	key := cache.NewObjectName(rt.Namespace, rt.Name)
	if proof.State == v1alpha1.IsolationProven {
		delete(c.doubted, key)
		return nil
	}
	doubted := c.doubted[key]
	if doubted.runID != rt.Status.Run.ID {
		doubted = doubt{runID: rt.Status.Run.ID, since: now}
		c.doubted[key] = doubted
	}
	// Whatever it is may pass: a pod is replaced, the network plugin restarts, a starved node answers probes late.
	return unisolatedError{proof: proof, final: now.Sub(doubted.since) >= c.options.IsolationPatience}
}
