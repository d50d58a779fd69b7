package schedule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/metrics"
)

func TestARunStartsOnlyBehindTheFence(t *testing.T) {
	const missing = "ValidatingAdmissionPolicy kymaros-anchor is missing"
	for name, c := range map[string]struct {
		problem  string
		required bool
		starts   bool
		fence    v1alpha1.FenceState
		message  string
	}{
		"an intact fence is recorded":                 {"", true, true, v1alpha1.FenceIntact, "its verdict is due"},
		"an intact fence that nobody requires is too": {"", false, true, v1alpha1.FenceIntact, "its verdict is due"},
		"no fence, no run":                            {missing, true, false, "", missing},
		"who asked for it runs without":               {missing, false, true, v1alpha1.FenceNotIntact, "--require-fence=false"},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(ran(now.Add(-30*time.Hour), true))
			rt.Status.Run = join(rt, v1alpha1.TriggerCron, now.Add(-time.Hour), now.Add(-time.Hour))
			due := metav1.NewTime(now.Add(-time.Hour))
			rt.Status.NextRunAt = &due
			p := fenced(rt, begin(rt, bounds.Bounds{}, now), c.problem, c.required)
			if starts := !p.status.Run.StartTime.IsZero(); starts != c.starts || starts && p.status.Run.Fence != c.fence {
				t.Errorf("run %s starts with fence %q", p.status.Run.ID, p.status.Run.Fence)
			}
			if !strings.Contains(p.condition.Message, c.message) {
				t.Errorf("message %q, want %q in it", p.condition.Message, c.message)
			}
			if c.starts {
				return
			}
			// All stays as it is, and is looked at again.
			if p.condition.Status != metav1.ConditionFalse || p.condition.Reason != v1alpha1.ReasonFenceNotIntact || p.again <= 0 ||
				p.status.Phase != v1alpha1.PhaseQueued || !p.status.NextRunAt.Equal(&due) {
				t.Errorf("plan %+v", p)
			}
		})
	}
}

// fenceMetric returns the value of kymaros_fence_intact, or "absent".
func fenceMetric(t *testing.T) string {
	t.Helper()
	all, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all {
		if family.GetName() == "kymaros_fence_intact" {
			return fmt.Sprint(family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return "absent"
}

func TestTheMetricOfTheFenceTellsOfTheLastLook(t *testing.T) {
	metrics.Register()
	if got := fenceMetric(t); got != "absent" {
		t.Errorf("before anybody has looked it is %s", got)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		problem, away, looks := "", error(nil), 0
		c := &Controller{requireFence: true, fence: func(context.Context) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			looks++
			return problem, away
		}}
		done := make(chan struct{})
		go func() { c.watchFence(ctx); close(done) }()
		for _, step := range []struct {
			what    string
			problem string
			away    error
			after   time.Duration
			want    string
			looks   int
		}{
			{"right at the start", "", nil, 0, "1", 1},
			{"while all is well", "a policy is missing", nil, 59 * time.Minute, "1", 1},
			{"when it has broken meanwhile", "a policy is missing", nil, time.Minute, "0", 2},
			{"while it is broken", "a policy is missing", nil, 10 * time.Minute, "0", 12},
			{"when nobody can tell", "", errors.New("away"), time.Minute, "0", 13},
			{"when it is mended", "", nil, time.Minute, "1", 14},
		} {
			mu.Lock()
			problem, away = step.problem, step.away
			mu.Unlock()
			time.Sleep(step.after) // of the bubble
			synctest.Wait()
			mu.Lock()
			looks := looks
			mu.Unlock()
			if got := fenceMetric(t); got != step.want || looks != step.looks {
				t.Errorf("%s it is %s after %d looks, want %s after %d", step.what, got, looks, step.want, step.looks)
			}
		}
		cancel()
		<-done
	})
}

func TestRunsThatBeginAtOnceShareALookAtTheFence(t *testing.T) {
	problem, looks := "", 0
	c := &Controller{requireFence: true, fence: func(context.Context) (string, error) { looks++; return problem, nil }}
	for _, step := range []struct {
		what    string
		after   time.Duration
		problem string
		looks   int
		want    string
	}{
		{"the first looks", 0, "", 1, ""},
		{"the second relies on it", 4 * time.Second, "a policy is missing", 1, ""},
		{"not for long", 6 * time.Second, "a policy is missing", 2, "a policy is missing"},
		{"on a problem nobody relies", 6 * time.Second, "", 3, ""},
	} {
		problem = step.problem
		if got, err := c.lookOnce(t.Context(), now.Add(step.after)); err != nil || got != step.want || looks != step.looks {
			t.Errorf("%s: %q after %d looks, %v", step.what, got, looks, err)
		}
	}
}
