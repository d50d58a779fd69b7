package schedule

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

const (
	// lookAgain is how long a run that is due waits before the fence is looked at again.
	lookAgain = 15 * time.Second
	// sharedFor is how long runs that begin rely on the look of one that began before.
	sharedFor = 5 * time.Second
	// intactFor and brokenFor are how long the metric tells of the last look while no run is due.
	intactFor, brokenFor = time.Hour, time.Minute
	// notSeen stands for the error of a look: texts of errors differ from one to the next.
	notSeen = "the API server did not answer all that it was asked about it; the log of the controller says what it did"
)

// look tells what is wrong with the fence, and has the metric tell whether anything is.
func (c *Controller) look(ctx context.Context) (problem string, err error) {
	problem, err = c.fence(ctx)
	if err != nil {
		return "", fmt.Errorf("look at the fence: %w", err)
	}
	metrics.Fence(problem == "")
	return problem, nil
}

// lookOnce is look, unless one a moment ago found nothing wrong: runs that begin one after another share it.
func (c *Controller) lookOnce(ctx context.Context, now time.Time) (problem string, err error) {
	if now.Sub(c.intactAt) < sharedFor && !now.Before(c.intactAt) {
		return "", nil
	}
	problem, err = c.look(ctx)
	if c.intactAt = (time.Time{}); err == nil && problem == "" {
		c.intactAt = now
	}
	return problem, err
}

// watchFence looks at the fence when the controller begins to work, and every now and then, until ctx ends: a fence that is
// broken is worth an alert before a run is due, and one that was mended is not when no run is due any more.
func (c *Controller) watchFence(ctx context.Context) {
	logger, told := klog.FromContext(ctx), ""
	for {
		again := intactFor
		problem, err := c.look(ctx)
		if err != nil || problem != "" {
			again = brokenFor
		}
		switch {
		case err != nil && ctx.Err() == nil:
			logger.Error(err, "Whether the admission fence is in force is not known", "requireFence", c.requireFence)
		case problem != told && problem != "":
			logger.Error(nil, "The admission fence is not in force as it was shipped", "requireFence", c.requireFence, "problem", problem)
		case problem != told:
			logger.Info("The admission fence is in force as it was shipped")
		}
		if err == nil {
			told = problem
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// fenced returns the plan, by which a run starts, with what is known of the fence. If it is required and something is wrong
// with it, no run starts: the test stays as it was, and a request stays asked.
func fenced(rt *v1alpha1.RestoreTest, p plan, problem string, required bool) plan {
	if problem == "" {
		p.status.Run.Fence = v1alpha1.FenceIntact
		return p
	}
	if !required {
		p.status.Run.Fence = v1alpha1.FenceNotIntact
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(rt, &p.status))
		return p
	}
	return plan{
		status: v1alpha1.RestoreTestStatus{Run: rt.Status.Run, Phase: phase(rt), NextRunAt: rt.Status.NextRunAt, MissedRuns: rt.Status.MissedRuns, Search: rt.Status.Search},
		condition: condition(rt, metav1.ConditionFalse, v1alpha1.ReasonFenceNotIntact,
			"a run is due and does not start, for the admission fence must be in force as it was shipped: "+problem),
		again: lookAgain,
	}
}
