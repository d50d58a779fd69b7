package restore

import (
	"context"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
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
	// final: it has lasted, or is a finding.
	final bool
}

func (u unisolatedError) Error() string { return u.proof.Message }

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
	// A canary that found a leak has done so for a while. What leaves it open, a pod that is replaced for one, may pass.
	final := proof.State == v1alpha1.IsolationNotEnforced || now.Sub(doubted.since) >= isolation.Patience
	return unisolatedError{proof: proof, final: final}
}
