package notify

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/notify"
)

func TestAMessageTakesTheHeadOfTheChainOfReportsAlong(t *testing.T) {
	const digest = "sha256:3f9a00000000000000000000000000000000000000000000000000000000a1b2"
	head := func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.Sequence, rt.Status.LastRun.Digest = 212, digest }
	named := notify.Report{Name: "shop-1"}
	whole := notify.Report{Name: "shop-1", Sequence: 212, Digest: digest}
	for name, c := range map[string]struct {
		edits []edit
		want  notify.Report
	}{
		"of its own report":                          {[]edit{head}, whole},
		"not where reports have no number":           {nil, named},
		"not that of a search that began since":      {[]edit{head, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "search" }}, named},
		"not that of another report that came since": {[]edit{head, func(rt *v1alpha1.RestoreTest) { rt.Status.LastReportRef = "shop-2" }}, named},
	} {
		t.Run(name, func(t *testing.T) {
			facts := factsOf(ended(v1alpha1.ResultFail, v1alpha1.ResultPass))
			got := about{}.message(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, c.edits...), &v1alpha1.NotificationDelivery{Facts: &facts}).Report
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAMessageTellsWhatTheStatusSays(t *testing.T) {
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultPass, scores(98, 61), tooSlow(true), func(rt *v1alpha1.RestoreTest) {
		last := rt.Status.LastRun
		last.Reason, last.BackupName, last.BackupAge, last.NotTested, last.Streak = v1alpha1.ReasonCheckFailed, "nightly", "1h", 6, 2
		rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "monday", Time: at(-1440), Report: "shop-0"}
	})
	facts := factsOf(rt)
	d := &v1alpha1.NotificationDelivery{ID: "id", Event: v1alpha1.NotifyFailed, Also: []v1alpha1.NotificationEvent{v1alpha1.NotifyRegressed}, Facts: &facts, DecidedAt: at(0)}
	a := about{cluster: notify.Cluster{ID: "uid", Name: "prod"}, dashboard: "https://kymaros.example.org"}
	got := a.message(rt, d)
	if got.NextStep == "" {
		t.Error("it does not say what to do")
	}
	got.NextStep = ""
	want := notify.Message{
		ID: "id", Event: notify.Failed, Also: []notify.Event{notify.Regressed}, Previous: "pass", Cluster: notify.Cluster{ID: "uid", Name: "prod"},
		Test: notify.Test{Namespace: "team", Name: "shop"}, Run: runID, Result: "fail", Score: new(61), PreviousScore: new(98), Reason: v1alpha1.ReasonCheckFailed, Message: "because",
		Backup: notify.Backup{Name: "nightly", AgeSeconds: 3600}, RTO: notify.RTO{Seconds: new(int64(120)), TargetSeconds: new(int64(60))}, NotTested: 6,
		Report: notify.Report{Name: "shop-1"}, LastGood: notify.LastGood{Backup: "monday", Time: at(-1440).Time, Report: "shop-0"},
		URL: "https://kymaros.example.org/reports/team/shop-1", Consecutive: 2, Time: at(-10).Time,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	facts.Report = ""
	if got := a.message(rt, d).URL; got != "https://kymaros.example.org/tests/team/shop" {
		t.Errorf("without a report the link is %s", got)
	}
	if got := (about{}).message(rt, d).URL; got != "" {
		t.Errorf("without the address of the dashboard the link is %s", got)
	}
	d.Facts = nil // somebody has edited the status
	if got := a.message(rt, d); got.ID != "id" || got.Time != at(0).Time {
		t.Errorf("without facts: %+v", got)
	}
}

func TestSentencesThatAreKeptAreShort(t *testing.T) {
	long := strings.Repeat("é", maxMessage)
	rt := ended(v1alpha1.ResultFail, v1alpha1.ResultPass, func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.Message = long })
	if got := factsOf(rt).Message; len(got) > maxMessage+len("…") || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes are kept: %s", len(got), got)
	}
	if took := seconds("90s"); took == nil || *took != int64(90*time.Second/time.Second) {
		t.Errorf("90s are %v seconds", took)
	}
}
