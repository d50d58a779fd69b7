package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/velero"
)

// theLine is the key for the line as a whole: no RestoreTest is without a namespace. A queue gives a key to one worker at a time,
// so whose turn it is is decided by one at a time.
var theLine = cache.ObjectName{Name: "line"}

// turns are what the cache of RestoreTests may not show yet: the ids of runs that were given their turn, by test.
type turns map[cache.ObjectName]string

// stale tells whether the cache still shows the run as one that waits.
func (t turns) stale(rt *v1alpha1.RestoreTest) bool {
	return line.Waits(rt) && rt.Status.Run.ID == t[cache.NewObjectName(rt.Namespace, rt.Name)]
}

// onTest enqueues a test that changed, and the line if that concerns it.
func onTest(queue controller.Queue) cache.ResourceEventHandler {
	own := controller.Handler(queue, controller.Own)
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(obj any, initial bool) {
			own.OnAdd(obj, initial)
			if rt, ok := obj.(*v1alpha1.RestoreTest); ok && line.Waits(rt) {
				queue.Add(theLine)
			}
		},
		UpdateFunc: func(was, obj any) {
			own.OnUpdate(was, obj)
			before, ok := was.(*v1alpha1.RestoreTest)
			if rt, is := obj.(*v1alpha1.RestoreTest); is && ok && (line.Waits(rt) != line.Waits(before) || line.Holds(before) && !line.Holds(rt)) {
				queue.Add(theLine)
			}
		},
		DeleteFunc: func(obj any) {
			own.OnDelete(obj)
			queue.Add(theLine)
		},
	}
}

// onVelero enqueues the line when Velero is done with something.
func onVelero(queue controller.Queue, done func(obj any) bool) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(was, obj any) {
			if done(obj) && !done(was) {
				queue.Add(theLine)
			}
		},
		DeleteFunc: func(any) { queue.Add(theLine) },
	}
}

func restored(obj any) bool {
	r, ok := obj.(*velerov1.Restore)
	return ok && velero.Terminal(r.Status.Phase)
}

func backedUp(obj any) bool {
	b, ok := obj.(*velerov1.Backup)
	return ok && backups.Ended(b)
}

// advance gives the runs at the head of the line their turn, as many as there is room for.
func (c *Controller) advance(ctx context.Context, now time.Time) (time.Duration, error) {
	waiting, holding := c.line.Waiting(), c.line.Holding()
	holders, ids := len(holding), sets.New[string]()
	for _, rt := range holding {
		ids.Insert(rt.Status.Run.ID)
	}
	given := turns{}
	for _, rt := range waiting {
		if c.turns.stale(rt) {
			given[cache.NewObjectName(rt.Namespace, rt.Name)] = rt.Status.Run.ID
			ids.Insert(rt.Status.Run.ID)
		}
	}
	waiting = slices.DeleteFunc(waiting, c.turns.stale)
	c.turns, holders = given, holders+len(given)
	if len(waiting) == 0 {
		return 0, nil
	}
	busy, left, err := c.busy(ids)
	if err != nil {
		return 0, err
	}
	holders += left
	if len(busy) == 0 {
		atWork, err := c.backups.List(labels.Everything())
		if err != nil {
			return 0, err
		}
		atWork = slices.DeleteFunc(atWork, func(b *velerov1.Backup) bool { return backups.Ended(b) })
		for _, rt := range line.Turns(waiting, holders, c.room, func(rt *v1alpha1.RestoreTest) bool { return c.backsUp(atWork, rt) }) {
			again, err := c.turn(ctx, rt, now)
			if err != nil || again > 0 {
				return again, err
			}
			waiting = slices.DeleteFunc(waiting, func(w *v1alpha1.RestoreTest) bool { return w == rt })
		}
	}
	return c.stalled(ctx, waiting, holding, busy, now)
}

// busy returns the Restores for which the line waits: those of others that Velero is not done with, and what it still does for runs
// of ours that are over, if it does no more than that at once. left is how many of these there are.
func (c *Controller) busy(ids sets.Set[string]) (busy []string, left int, err error) {
	all, err := c.restores.List(labels.Everything())
	if err != nil {
		return nil, 0, err
	}
	var over []string
	for _, r := range all {
		switch {
		case velero.Terminal(r.Status.Phase) || ids.Has(r.Labels[v1alpha1.LabelRun]):
		case r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy:
			over = append(over, r.Name)
		default:
			busy = append(busy, r.Name)
		}
	}
	if len(over) >= c.maxRestores {
		busy = append(busy, over...)
	}
	slices.Sort(busy)
	return busy, len(over), nil
}

// backsUp tells whether Velero is at a backup of a namespace that rt restores, or at any where that keeps all tests back.
func (c *Controller) backsUp(atWork []*velerov1.Backup, rt *v1alpha1.RestoreTest) bool {
	return slices.ContainsFunc(atWork, func(b *velerov1.Backup) bool {
		return c.anyBackup || slices.ContainsFunc(rt.Spec.BackupSource.Namespaces, func(ns v1alpha1.SourceNamespace) bool { return backups.Selects(b, ns.Name) })
	})
}

// turn begins the run of rt, if the fence is in force; else it says when to look again.
func (c *Controller) turn(ctx context.Context, rt *v1alpha1.RestoreTest, now time.Time) (time.Duration, error) {
	problem, unseen := c.lookOnce(ctx, now)
	if unseen != nil {
		problem = notSeen
	}
	p := fenced(rt, begin(rt, c.bounds, now), problem, c.requireFence)
	err := c.status.Write(ctx, rt, p.condition, p.status)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return time.Second, nil // somebody was faster, and the cache will show it
	case err != nil || p.again > 0:
		return p.again, errors.Join(err, unseen)
	case unseen != nil: // who runs without it gets no run less for it
		klog.FromContext(ctx).Error(unseen, "A run starts, and nobody knows of the fence")
	}
	c.turns[cache.NewObjectName(rt.Namespace, rt.Name)] = p.status.Run.ID
	return 0, nil
}

// stalled has those who wait say so, once, when Velero has kept the line for longer than it should; and no more when it moves.
func (c *Controller) stalled(ctx context.Context, waiting, holding []*v1alpha1.RestoreTest, busy []string, now time.Time) (time.Duration, error) {
	message, again := held(holding, busy, c.stalledAfter, waiting, now)
	var errs []error
	for _, rt := range waiting {
		want := condition(rt, metav1.ConditionTrue, v1alpha1.ReasonQueued, queued)
		if message != "" {
			want.Reason, want.Message = v1alpha1.ReasonVeleroStalled, message
		}
		now := inLine(rt)
		if now.Reason == want.Reason || now.Reason == v1alpha1.ReasonFenceNotIntact {
			continue
		}
		errs = append(errs, c.status.Write(ctx, rt, want, v1alpha1.RestoreTestStatus{
			Run: rt.Status.Run, Phase: v1alpha1.PhaseQueued, NextRunAt: rt.Status.NextRunAt, MissedRuns: rt.Status.MissedRuns,
			Search: rt.Status.Search,
		}))
	}
	return again, errors.Join(errs...)
}

// held tells what has kept the line for longer than after, "" if nothing has, and when to look again.
func held(holding []*v1alpha1.RestoreTest, busy []string, after time.Duration, waiting []*v1alpha1.RestoreTest, now time.Time) (string, time.Duration) {
	if len(waiting) == 0 {
		return "", 0
	}
	since, by := waiting[0].Status.Run.ScheduledTime.Time, "Restore "+strings.Join(busy, ", ")
	switch {
	case len(holding) > 0:
		since, by = holding[0].Status.Run.StartTime.Time, fmt.Sprintf("the run of RestoreTest %s/%s", holding[0].Namespace, holding[0].Name)
	case len(busy) == 0:
		return "", 0
	}
	if left := since.Add(after).Sub(now); left > 0 {
		return "", left
	}
	return fmt.Sprintf("the line does not move: Velero has not been done with %s for %s; see that Velero runs, and its log", by, after), 0
}
