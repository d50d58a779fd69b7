package run

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// follower waits for the end of a run.
type follower struct {
	clients         client.Clients
	namespace, name string
	// request is the value of the annotation that asked for the run; "" follows whatever run there is.
	request string
	asked   time.Time
	now     func() time.Time
	screen  *screen
}

// ours tells whether the run of rt is the one that was asked for. Where somebody asked again before it began, the run that answers
// both counts.
func (f *follower) ours(rt *v1alpha1.RestoreTest) bool {
	run := rt.Status.Run
	switch {
	case run == nil:
		return false
	case f.request == "" || run.Request == f.request:
		return true
	}
	overtaken := rt.Annotations[v1alpha1.AnnotationRunRequested] != f.request
	return overtaken && run.Trigger == v1alpha1.TriggerRequested && !run.ScheduledTime.Time.Before(f.asked.Truncate(time.Second))
}

// over tells whether there is nothing more to wait for: there is a verdict, the run missed its turn, or none can start.
func (f *follower) over(rt *v1alpha1.RestoreTest) (bool, error) {
	if !f.ours(rt) {
		c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled)
		if c != nil && c.ObservedGeneration == rt.Generation && (c.Reason == v1alpha1.ReasonInvalidSpec || c.Reason == v1alpha1.ReasonInvalidSchedule) {
			return true, fmt.Errorf("no run can start (%s): %s\n  %s", c.Reason, c.Message, outcome.Of(c.Reason).Remedy)
		}
		return false, nil
	}
	if !rt.Status.Run.MissedTime.IsZero() {
		return true, fmt.Errorf("the run had no turn in time (%s): see that the controller and Velero run, and ask again", v1alpha1.ReasonMissedTurn)
	}
	return conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue), nil
}

// follow shows the run until its verdict, and returns the test then.
func (f *follower) follow(ctx context.Context) (*v1alpha1.RestoreTest, error) {
	tests := f.clients.Kymaros.RestoreV1alpha1().RestoreTests(f.namespace)
	for {
		rt, err := tests.Get(ctx, f.name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if done, err := f.look(ctx, rt); done {
			return rt, err
		}
		rt, err = f.watch(ctx, rt)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		case rt != nil:
			return rt, nil
		}
	}
}

// watch looks at each change after rt until the run is over; it returns nil when the API server ends the watch.
func (f *follower) watch(ctx context.Context, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, error) {
	w, err := f.clients.Kymaros.RestoreV1alpha1().RestoreTests(f.namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", f.name).String(), ResourceVersion: rt.ResourceVersion,
	})
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-second.C: // the clock of what is under way goes on
			if f.screen.out.Live {
				f.draw(ctx, rt)
			}
		case event, open := <-w.ResultChan():
			if !open {
				return nil, nil
			}
			switch event.Type {
			case watch.Deleted:
				return nil, fmt.Errorf("test %s was deleted under way; its report, if there is one: kubectl kymaros report --latest %s -n %s", f.name, f.name, f.namespace)
			case watch.Error:
				if err := apierrors.FromObject(event.Object); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
					return nil, err
				}
				return nil, nil
			case watch.Added, watch.Modified, watch.Bookmark:
			}
			changed, ok := event.Object.(*v1alpha1.RestoreTest)
			if !ok {
				continue
			}
			rt = changed
			if done, err := f.look(ctx, rt); done {
				return rt, err
			}
		}
	}
}

func (f *follower) look(ctx context.Context, rt *v1alpha1.RestoreTest) (bool, error) {
	f.draw(ctx, rt)
	return f.over(rt)
}

// draw shows the steps of the run, or of that before it as long as ours has not come.
func (f *follower) draw(ctx context.Context, rt *v1alpha1.RestoreTest) {
	if !f.ours(rt) {
		if conditions.Active(rt) {
			f.screen.show([]Step{{Name: "Queue", State: UnderWay, Took: f.now().Sub(f.asked), Text: "run " + rt.Status.Run.ID + " of this test is under way, and goes first"}}, f.now())
		}
		return
	}
	var place Place
	if line.Waits(rt) {
		place = f.place(ctx, rt)
	}
	f.screen.show(Steps(rt, place, f.now()), f.now())
}

// place asks for the line. Who may not see other namespaces learns no place.
func (f *follower) place(ctx context.Context, rt *v1alpha1.RestoreTest) Place {
	all, err := f.clients.Tests(ctx, "", "")
	if err != nil {
		return Place{}
	}
	position, length := line.Place(rt, all)
	return Place{position, length}
}
