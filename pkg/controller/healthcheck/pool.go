package healthcheck

import (
	"context"
	"maps"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// RunFunc runs one check and returns its verdict, at the latest when ctx ends.
type RunFunc func(ctx context.Context, check v1alpha1.HealthCheck, sandboxes []v1alpha1.SandboxNamespace, timeout time.Duration) v1alpha1.CheckStatus

// pool runs checks beside the workers of the queue, a bounded number at a time. Each test has one place of its own, and all
// share the others: checks that hang keep no other test waiting. A verdict is kept until its run is over, and enqueues the
// test.
type pool struct {
	run     RunFunc
	enqueue func(key cache.ObjectName, after time.Duration)
	shared  chan struct{}

	mu      sync.Mutex
	runs    map[cache.ObjectName]*checking
	running sync.WaitGroup
}

// progress is how often it is told how many checks have ended: each time is a write of status.
const progress = time.Second

// checking is a run whose checks run.
type checking struct {
	runID    string
	ctx      context.Context // ends with the run
	stop     context.CancelFunc
	own      chan struct{} // the place that only this run has
	started  map[string]bool
	verdicts map[string]verdict
}

// start starts those of the checks that have not been started in this run. All end at the run's deadline.
func (p *pool) start(ctx context.Context, key cache.ObjectName, run *v1alpha1.RunStatus, sandboxes []v1alpha1.SandboxNamespace, checks []v1alpha1.HealthCheck) {
	if len(checks) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.runs[key]
	if c == nil || c.runID != run.ID {
		p.end(key)
		ctx, stop := context.WithDeadline(ctx, run.Deadline.Time)
		c = &checking{runID: run.ID, ctx: ctx, stop: stop, own: make(chan struct{}, 1), started: map[string]bool{}, verdicts: map[string]verdict{}}
		if p.runs == nil {
			p.runs = map[cache.ObjectName]*checking{}
		}
		p.runs[key] = c
	}
	timeout := run.Spec.HealthChecks.Timeout.Or(0)
	for _, check := range checks {
		if c.started[check.Name] {
			continue
		}
		c.started[check.Name] = true
		p.running.Go(func() { p.check(key, c, check, sandboxes, timeout) })
	}
}

func (p *pool) check(key cache.ObjectName, c *checking, check v1alpha1.HealthCheck, sandboxes []v1alpha1.SandboxNamespace, timeout time.Duration) {
	var status v1alpha1.CheckStatus
	var place chan struct{}
	select {
	case c.own <- struct{}{}:
		place = c.own
	case p.shared <- struct{}{}:
		place = p.shared
	case <-c.ctx.Done():
	}
	if place != nil {
		status = p.run(c.ctx, check, sandboxes, timeout)
		<-place
	} else {
		status = v1alpha1.CheckStatus{Name: check.Name, Status: v1alpha1.CheckUnknown, Message: "not started before the run's deadline"}
	}
	klog.FromContext(c.ctx).V(2).Info("Check ended", "check", check.Name, "verdict", status.Status, "duration", status.Duration)
	p.mu.Lock()
	c.verdicts[check.Name] = verdict{status: status, ended: time.Now()}
	after := progress
	if len(c.verdicts) == len(c.started) {
		after = 0
	}
	p.mu.Unlock()
	p.enqueue(key, after)
}

// verdicts returns those of the checks of the run that have ended, by name of the check.
func (p *pool) verdicts(key cache.ObjectName, runID string) map[string]verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.runs[key]; c != nil && c.runID == runID {
		return maps.Clone(c.verdicts)
	}
	return nil
}

// stop ends the checks of a test's run and forgets their verdicts.
func (p *pool) stop(key cache.ObjectName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end(key)
}

func (p *pool) end(key cache.ObjectName) {
	if c := p.runs[key]; c != nil {
		c.stop()
		delete(p.runs, key)
	}
}

// close ends all checks and waits until they have ended.
func (p *pool) close() {
	p.mu.Lock()
	for key := range p.runs {
		p.end(key)
	}
	p.mu.Unlock()
	p.running.Wait()
}
