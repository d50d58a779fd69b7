package run

import (
	"bytes"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// restoring returns a test whose run restores.
func restoring() *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	rt.Status.Run = &v1alpha1.RunStatus{ID: "r", Request: "mine", Trigger: v1alpha1.TriggerRequested, ScheduledTime: ago(5 * time.Minute), StartTime: ago(4 * time.Minute)}
	rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "r"}
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: "r", BackupName: "nightly", Progress: "812/1204"}
	rt.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonGuarded, LastTransitionTime: ago(3 * time.Minute)},
		{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonInProgress, LastTransitionTime: ago(3 * time.Minute)},
	}
	return rt
}

func TestEachPhaseHasItsTimeAndWhatItWaitsFor(t *testing.T) {
	steps := Steps(restoring(), Place{}, now)
	want := []Step{
		{"Queue", Done, time.Minute, "", ""}, {"Sandbox", Done, time.Minute, v1alpha1.ReasonGuarded, ""},
		{"Restore", UnderWay, 3 * time.Minute, v1alpha1.ReasonInProgress, "backup nightly, 812/1204 objects"},
		{Name: "Checks"}, {Name: "Verdict"}, {Name: "Cleanup"},
	}
	for i := range want {
		if steps[i] != want[i] {
			t.Errorf("%+v, want %+v", steps[i], want[i])
		}
	}
	waiting := restoring()
	waiting.Status.Run.StartTime = metav1.Time{}
	if s := Steps(waiting, Place{2, 5}, now)[0]; s.State != UnderWay || s.Took != 5*time.Minute || !strings.HasPrefix(s.Text, "place 2 of 5 in the line") {
		t.Errorf("%+v", s)
	}
	if s := Steps(waiting, Place{2, 5}, now)[1]; s.State != Coming {
		t.Errorf("of a run that waits: %+v", s)
	}
}

func TestOnAPipeALineIsPrintedOnlyWhenSomethingChanged(t *testing.T) {
	var b bytes.Buffer
	s := &screen{out: &term.Out{Writer: &b}}
	rt := restoring()
	s.show(Steps(rt, Place{}, now), now)
	first := strings.Count(b.String(), "\n")
	s.show(Steps(rt, Place{}, now.Add(time.Minute)), now.Add(time.Minute))
	if got := strings.Count(b.String(), "\n"); first != 3 || got != 3 {
		t.Errorf("%d, then %d lines:\n%s", first, got, b.String())
	}
	rt.Status.Restore.Progress = "1204/1204"
	s.show(Steps(rt, Place{}, now), now)
	if !strings.HasSuffix(b.String(), "1204/1204 objects\n") || strings.Count(b.String(), "\n") != 4 || strings.Contains(b.String(), "\x1b") {
		t.Errorf("%s", b.String())
	}
}

func TestOnATerminalStepsAreDrawnAgainInTheirPlace(t *testing.T) {
	var b bytes.Buffer
	s := &screen{out: &term.Out{Writer: &b, Width: 40, Live: true}}
	s.show(Steps(restoring(), Place{}, now), now)
	b.Reset()
	s.show(Steps(restoring(), Place{}, now), now)
	if b.Len() > 0 {
		t.Errorf("nothing has changed, and it drew %q", b.String())
	}
	s.show(Steps(restoring(), Place{}, now.Add(time.Minute)), now.Add(time.Minute))
	if !strings.HasPrefix(b.String(), "\x1b[6A") || strings.Count(b.String(), "\n") != 6 {
		t.Errorf("%q", b.String())
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if _, text, ok := strings.Cut(line, "\x1b[2K"); ok && term.Cells(text) > 40 {
			t.Errorf("%q", text)
		}
	}
}

func TestARunIsWaitedForUntilItIsOursAndOver(t *testing.T) {
	reported := func(rt *v1alpha1.RestoreTest) {
		rt.Status.Report = &v1alpha1.ReportStatus{RunID: "r"}
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue})
	}
	for sentence, c := range map[string]struct {
		change      func(*v1alpha1.RestoreTest)
		over, fails bool
	}{
		"it restores":      {func(*v1alpha1.RestoreTest) {}, false, false},
		"it has a verdict": {reported, true, false},
		"another run has a verdict": {func(rt *v1alpha1.RestoreTest) {
			reported(rt)
			rt.Status.Run.Request, rt.Annotations = "other", map[string]string{v1alpha1.AnnotationRunRequested: "mine"}
		}, false, false},
		"somebody asked again before it began": {func(rt *v1alpha1.RestoreTest) {
			reported(rt)
			rt.Status.Run.Request, rt.Annotations = "other", map[string]string{v1alpha1.AnnotationRunRequested: "other"}
		}, true, false},
		"an older run was asked for by somebody": {func(rt *v1alpha1.RestoreTest) {
			reported(rt)
			rt.Status.Run.Request, rt.Annotations = "other", map[string]string{v1alpha1.AnnotationRunRequested: "newer"}
			rt.Status.Run.ScheduledTime = ago(time.Hour)
		}, false, false},
		"it had no turn": {func(rt *v1alpha1.RestoreTest) { rt.Status.Run.MissedTime = ago(0) }, true, true},
		"no run can start": {func(rt *v1alpha1.RestoreTest) {
			rt.Status.Run = nil
			rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionScheduled, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonInvalidSpec}}
		}, true, true},
	} {
		rt := restoring()
		c.change(rt)
		f := &follower{request: "mine", asked: now.Add(-10 * time.Minute)}
		over, err := f.over(rt)
		if over != c.over || (err != nil) != c.fails {
			t.Errorf("%s: %v %v", sentence, over, err)
		}
	}
}

func TestATestOfOneBackupLeavesOutWhatWouldContradictIt(t *testing.T) {
	rt := restoring()
	rt.Spec.BackupSource = v1alpha1.BackupSource{Selection: v1alpha1.SelectRandom, MaxAge: "24h", ScheduleName: "nightly", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop", SandboxName: "fixed"}}}
	rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: 3}}
	got := ofBackup(rt, "b1", "r1")
	s := got.Spec.BackupSource
	if s.BackupName != "b1" || s.Selection != "" || s.MaxAge != "" || s.ScheduleName != "" || s.Namespaces[0].SandboxName != "" || !got.Spec.Suspend || got.Spec.OnFailure != nil {
		t.Errorf("%+v", got.Spec)
	}
	if rt.Spec.BackupSource.Namespaces[0].SandboxName != "fixed" || rt.Spec.OnFailure == nil {
		t.Error("the test itself was changed")
	}
}

func TestWhoStopsLookingIsToldHowToGoOn(t *testing.T) {
	o := &options{name: "shop", namespace: "web"}
	if got := o.goOn(); got != "Look at it with: kubectl kymaros run shop -n web --follow" {
		t.Error(got)
	}
	o.name, o.backup = "shop-backup-x1", "nightly-1"
	if got := o.goOn(); !strings.Contains(got, "run shop-backup-x1 -n web --follow\n") || !strings.HasSuffix(got, "kubectl -n web delete restoretest shop-backup-x1") {
		t.Error(got)
	}
}
