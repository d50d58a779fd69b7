package line

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var night = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

type edit func(*v1alpha1.RestoreTest)

// test returns one that waits since night.
func test(name string, edits ...edit) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name}}
	rt.Status.Run = &v1alpha1.RunStatus{ID: "run", Trigger: v1alpha1.TriggerCron, ScheduledTime: metav1.NewTime(night)}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

func due(after time.Duration) edit {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ScheduledTime = metav1.NewTime(night.Add(after)) }
}

func byHand(rt *v1alpha1.RestoreTest) { rt.Status.Run.Trigger = v1alpha1.TriggerRequested }

func began(rt *v1alpha1.RestoreTest) { rt.Status.Run.StartTime = metav1.NewTime(night) }

func missed(rt *v1alpha1.RestoreTest) { rt.Status.Run.MissedTime = metav1.NewTime(night) }

func deleted(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = &metav1.Time{Time: night} }

func verifiedAt(before time.Duration) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.LastVerified = &v1alpha1.VerifiedBackup{Time: metav1.NewTime(night.Add(-before))}
	}
}

func is(kind string, status metav1.ConditionStatus) edit {
	return func(rt *v1alpha1.RestoreTest) {
		id := rt.Status.Run.ID
		rt.Status.Sandbox, rt.Status.Restore = &v1alpha1.SandboxStatus{RunID: id}, &v1alpha1.RestoreStatus{RunID: id}
		rt.Status.Report, rt.Status.Cleanup = &v1alpha1.ReportStatus{RunID: id}, &v1alpha1.CleanupStatus{RunID: id}
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: kind, Status: status})
	}
}

func names(tests []*v1alpha1.RestoreTest) []string {
	var all []string
	for _, rt := range tests {
		all = append(all, rt.Name)
	}
	return all
}

func TestTheOrderOfTheLine(t *testing.T) {
	want := []*v1alpha1.RestoreTest{
		test("by-hand-first", byHand, due(2*time.Hour)),
		test("by-hand-later", byHand, due(3*time.Hour)),
		test("due-first", due(-time.Hour)),
		test("z-never-verified"),
		test("verified-long-ago", verifiedAt(72*time.Hour)),
		test("verified-yesterday-a", verifiedAt(24*time.Hour)),
		test("verified-yesterday-b", verifiedAt(24*time.Hour)),
		test("due-later", due(time.Minute), verifiedAt(72*time.Hour)),
	}
	for range 20 {
		shuffled := slices.Clone(want)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := names(Of(shuffled)); !slices.Equal(got, names(want)) {
			t.Fatalf("%v, want %v", got, names(want))
		}
	}
}

func TestWhoIsInTheLine(t *testing.T) {
	for name, c := range map[string]struct {
		rt           *v1alpha1.RestoreTest
		waits, holds bool
	}{
		"a test that never ran":                 {rt: &v1alpha1.RestoreTest{}},
		"a run that is due":                     {rt: test("a"), waits: true},
		"a run that left the line":              {rt: test("a", missed)},
		"a run whose test is deleted":           {rt: test("a", deleted)},
		"a run that had its turn":               {rt: test("a", began), holds: true},
		"a run that restores":                   {rt: test("a", began, is(v1alpha1.ConditionSandboxReady, "True"), is(v1alpha1.ConditionRestored, "Unknown")), holds: true},
		"a run without a sandbox":               {rt: test("a", began, is(v1alpha1.ConditionSandboxReady, "False"))},
		"a run that is restored":                {rt: test("a", began, is(v1alpha1.ConditionRestored, "True"))},
		"a run that could not be restored":      {rt: test("a", began, is(v1alpha1.ConditionRestored, "False"))},
		"a run that is reported":                {rt: test("a", began, is(v1alpha1.ConditionReported, "True"))},
		"a run that is cleaned up":              {rt: test("a", began, is(v1alpha1.ConditionCleanedUp, "True"))},
		"a run under way whose test is deleted": {rt: test("a", began, deleted)},
	} {
		if waits, holds := Waits(c.rt), Holds(c.rt); waits != c.waits || holds != c.holds {
			t.Errorf("%s: waits %t, holds %t", name, waits, holds)
		}
	}
}

func TestWhoseTurnItIs(t *testing.T) {
	waiting := []*v1alpha1.RestoreTest{test("a"), test("b"), test("c"), test("d")}
	nobody := func(*v1alpha1.RestoreTest) bool { return false }
	backedUp := func(rt *v1alpha1.RestoreTest) bool { return rt.Name == "a" || rt.Name == "c" }
	for name, c := range map[string]struct {
		holders, room int
		held          func(*v1alpha1.RestoreTest) bool
		want          []string
	}{
		"one restores and one is made ready for it": {0, 2, nobody, []string{"a", "b"}},
		"one has its turn":                          {1, 2, nobody, []string{"a"}},
		"there is no room":                          {2, 2, nobody, nil},
		"more have it than there is room for":       {3, 2, nobody, nil},
		"who is kept back lets the next go before":  {0, 2, backedUp, []string{"b", "d"}},
		"the line is shorter than the room":         {0, 9, nobody, []string{"a", "b", "c", "d"}},
	} {
		if got := names(Turns(waiting, c.holders, c.room, c.held)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAPlaceInTheLine(t *testing.T) {
	tests := []*v1alpha1.RestoreTest{test("b"), test("begun", began), test("a"), test("hand", byHand)}
	for i, want := range []int{3, 0, 2, 1} {
		if position, length := Place(tests[i], tests); position != want || length != 3 {
			t.Errorf("%s is %d of %d, want %d of 3", tests[i].Name, position, length, want)
		}
	}
}
