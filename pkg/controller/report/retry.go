package report

import (
	"context"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/inventory"
)

// patience is how long after the end of a run a look that fails is tried again, if its deadline is not later.
const patience = 30 * time.Second

// lookAt looks at the source namespaces and the sandboxes of rt's run when it is its turn.
func (c *Controller) lookAt(ctx context.Context, rt *v1alpha1.RestoreTest, list *inventory.List) (seen, error) {
	done, err := c.looker.Turn(ctx)
	if err != nil {
		return seen{}, err
	}
	defer done()
	return c.observe(ctx, rt, list)
}

// until is when a look that fails is given up: at the run's deadline, for the verdict is due by then.
func until(rt *v1alpha1.RestoreTest, ended time.Time) time.Time {
	last := ended.Add(patience)
	if deadline := rt.Status.Run.Deadline.Time; deadline.After(last) {
		return deadline
	}
	return last
}
