package report

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/inventory"
)

const (
	// patience is how long after the end of a run a look that fails is tried again, if its deadline is not later.
	patience = 30 * time.Second
	// lookTimeout bounds one look, so that of the sync that makes it enough is left to write what was seen.
	lookTimeout = 20 * time.Second
	// looks is how many runs are looked at at a time. All share the requests that the process may make, and with more of them,
	// of many namespaces each, none would be done in its time.
	looks = 2
)

// lookAt looks at the source namespaces and the sandboxes of rt's run when it is its turn.
func (c *Controller) lookAt(ctx context.Context, rt *v1alpha1.RestoreTest, list *inventory.List) (seen, error) {
	select {
	case c.looking <- struct{}{}:
		defer func() { <-c.looking }()
		return c.gather(ctx, rt, list)
	case <-ctx.Done():
		return seen{}, fmt.Errorf("wait for the looks at other runs: %w", ctx.Err())
	}
}

// until is when a look that fails is given up: at the run's deadline, for the verdict is due by then.
func until(rt *v1alpha1.RestoreTest, ended time.Time) time.Time {
	last := ended.Add(patience)
	if deadline := rt.Status.Run.Deadline.Time; deadline.After(last) {
		return deadline
	}
	return last
}

// hiccup is how a request that failed is tried again. A look makes dozens, and one that is lost would have it begin anew.
var hiccup = wait.Backoff{Steps: 3, Duration: 100 * time.Millisecond, Factor: 3, Jitter: 0.1}

// tried does one request, again if it may succeed a moment later.
func tried(ctx context.Context, request func() error) error {
	return retry.OnError(hiccup, func(err error) bool {
		return ctx.Err() == nil && !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) && !apierrors.IsResourceExpired(err)
	}, request)
}
