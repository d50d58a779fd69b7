package schedule

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// world is a bubble in which time passes, with one RestoreTest, whose runs take as long as runs says.
type world struct {
	*testing.T
	client *fake.Clientset
	zone   *time.Location
	runs   time.Duration
	began  []string // what started each run, and when
	last   string   // the id of the last of them
}

// worldAt returns a world at that time with that test.
func worldAt(t *testing.T, at time.Time, rt *v1alpha1.RestoreTest) *world {
	t.Helper()
	time.Sleep(time.Until(at))
	return &world{T: t, client: fake.NewClientset(rt), zone: at.Location(), runs: 10 * time.Minute}
}

func (w *world) get() *v1alpha1.RestoreTest {
	w.Helper()
	rt, err := w.client.RestoreV1alpha1().RestoreTests("team").Get(w.Context(), "shop", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return rt
}

func (w *world) edit(change edit) {
	w.Helper()
	rt := w.get()
	change(rt)
	if _, err := w.client.RestoreV1alpha1().RestoreTests("team").Update(w.Context(), rt, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// controller runs one until the end of that time, and ends each run when it has taken its time.
func (w *world) controller(until time.Time) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	factory := externalversions.NewSharedInformerFactory(w.client, 0)
	c, err := New(ctx, Options{RequireFence: true, MaxRestores: 1}, w.client, factory.Restore().V1alpha1().RestoreTests(), factory.Velero().V1(),
		func(context.Context) (string, error) { return "", nil }, &record.FakeRecorder{})
	if err != nil {
		w.Fatal(err)
	}
	factory.Start(ctx.Done())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	for synctest.Wait(); time.Now().Before(until); synctest.Wait() {
		rt := w.get()
		if run := rt.Status.Run; conditions.Began(rt) && run.ID != w.last {
			w.last = run.ID
			w.began = append(w.began, fmt.Sprintf("%s %s", run.Trigger, run.StartTime.In(w.zone).Format("Mon 15:04:05")))
		}
		if conditions.Active(rt) && time.Since(rt.Status.Run.StartTime.Time) >= w.runs {
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: rt.Status.Run.ID}
			meta.SetStatusCondition(&rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNothingLeft})
			if _, err := w.client.RestoreV1alpha1().RestoreTests("team").UpdateStatus(w.Context(), rt, metav1.UpdateOptions{}); err != nil {
				w.Fatal(err)
			}
			continue
		}
		time.Sleep(10 * time.Second)
	}
	cancel()
	factory.Shutdown()
	<-done
}

func (w *world) want(began ...string) {
	w.Helper()
	if diff := cmp.Diff(began, w.began); diff != "" {
		w.Errorf("runs (-want +got):\n%s", diff)
	}
}

var byTheClock = scheduled(func(s *v1alpha1.Schedule) { s.RunOnCreate = new(false) })

func TestARunAtHalfPastTwoStartsOnceInEachNight(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	half := func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Schedule.Cron, rt.Spec.Schedule.Timezone = "30 2 * * *", "Europe/Brussels"
	}
	for name, c := range map[string]struct {
		from time.Time
		want []string
	}{
		"in spring": {time.Date(2000, 3, 25, 0, 0, 0, 0, brussels), []string{"Cron Sat 02:30:00", "Cron Sun 03:00:00", "Cron Mon 02:30:00"}},
		"in autumn": {time.Date(2000, 10, 28, 0, 0, 0, 0, brussels), []string{"Cron Sat 02:30:00", "Cron Sun 02:30:00", "Cron Mon 02:30:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldAt(t, c.from, test(half, byTheClock))
				w.controller(c.from.AddDate(0, 0, 3))
				w.want(c.want...)
			})
		})
	}
}

// monday is the first of the year in which bubbles begin.
var monday = time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)

func TestRequestsDuringARunStartOneMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldAt(t, monday, test(byTheClock))
		w.controller(monday.Add(3*time.Hour + time.Minute))
		w.edit(requested("a"))
		w.controller(monday.Add(3*time.Hour + 2*time.Minute))
		w.edit(requested("b")) // before anybody could answer a
		w.controller(monday.Add(5 * time.Hour))
		w.want("Cron Mon 03:00:00", "Requested Mon 03:10:00")
		w.edit(requested("b")) // is no news
		w.controller(monday.Add(6 * time.Hour))
		w.want("Cron Mon 03:00:00", "Requested Mon 03:10:00")
	})
}

func TestARequestIsAnsweredThatCameWhileNobodyWasThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldAt(t, monday, test(byTheClock))
		w.controller(monday.Add(3*time.Hour + time.Minute))
		w.edit(requested("a"))
		time.Sleep(time.Hour)
		w.controller(monday.Add(6 * time.Hour))
		w.want("Cron Mon 03:00:00", "Requested Mon 04:01:00")
	})
}

func TestAnEditPlansAnew(t *testing.T) {
	hours := func(hour string) edit { return withCron("0 " + hour + " * * *") }
	for name, c := range map[string]struct {
		edit edit
		want []string
	}{
		"to later":                         {hours("5"), []string{"Cron Mon 05:00:00"}},
		"to earlier":                       {hours("2"), []string{"Cron Mon 02:00:00"}},
		"to a time that has passed":        {hours("0"), []string{"Cron Tue 00:00:00"}},
		"to another zone":                  {scheduled(func(s *v1alpha1.Schedule) { s.Timezone = "Asia/Tokyo" }), []string{"Cron Mon 18:00:00"}},
		"to something else":                {func(rt *v1alpha1.RestoreTest) { rt.Spec.HistoryLimit = new(int32(3)) }, []string{"Cron Mon 03:00:00"}},
		"to a start at once":               {scheduled(func(s *v1alpha1.Schedule) { s.RunOnCreate = nil }), []string{"Created Mon 01:00:00", "Cron Mon 03:00:00"}},
		"to no time at all":                {withCron("every night"), nil},
		"to a suspended test":              {suspended, nil},
		"to a suspended test, and request": {func(rt *v1alpha1.RestoreTest) { suspended(rt); requested("x")(rt) }, []string{"Requested Mon 01:00:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldAt(t, monday, test(byTheClock))
				w.controller(monday.Add(time.Hour))
				w.edit(c.edit)
				w.controller(monday.Add(25*time.Hour - time.Minute))
				w.want(c.want...)
			})
		})
	}
}

func TestWhatPassesWhileATestIsSuspendedIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldAt(t, monday, test(byTheClock))
		w.controller(monday.Add(time.Hour))
		w.edit(suspended)
		w.controller(monday.Add(30 * time.Hour))
		w.edit(func(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend = false })
		w.controller(monday.Add(54 * time.Hour))
		w.want("Cron Wed 03:00:00")
	})
}

func TestAControllerThatWasAway(t *testing.T) {
	deadline := func(seconds int64) edit {
		return scheduled(func(s *v1alpha1.Schedule) { s.StartingDeadlineSeconds = &seconds })
	}
	for name, c := range map[string]struct {
		deadline edit
		want     []string
		reason   string
		count    int32
	}{
		"starts the last run that it missed":        {deadline(4 * 3600), []string{"Cron Mon 03:00:00", "Cron Thu 06:00:00"}, v1alpha1.ReasonNextRunPlanned, 2},
		"starts it within a day if nothing is said": {func(*v1alpha1.RestoreTest) {}, []string{"Cron Mon 03:00:00", "Cron Thu 06:00:00"}, v1alpha1.ReasonNextRunPlanned, 2},
		"starts none that is too old":               {deadline(2 * 3600), []string{"Cron Mon 03:00:00"}, v1alpha1.ReasonMissedTurn, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldAt(t, monday, test(byTheClock, c.deadline))
				w.controller(monday.Add(4 * time.Hour))
				time.Sleep(74 * time.Hour) // until Thursday
				w.controller(monday.Add(90 * time.Hour))
				w.want(c.want...)
				rt := w.get()
				if got := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled); got.Reason != c.reason || rt.Status.MissedRuns == nil || rt.Status.MissedRuns.Count != c.count {
					t.Errorf("%+v; missed %+v", got, rt.Status.MissedRuns)
				}
				w.controller(monday.Add(100 * time.Hour))
				w.want(append(c.want, "Cron Fri 03:00:00")...)
				if rt := w.get(); (c.reason == v1alpha1.ReasonMissedTurn) != (rt.Status.MissedRuns != nil) {
					t.Errorf("after a run on time: missed %+v", rt.Status.MissedRuns)
				}
			})
		})
	}
}
