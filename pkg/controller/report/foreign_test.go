package report

import (
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// failing makes a check of the run fail: its verdict is not what the forged report says.
func failing(rt *v1alpha1.RestoreTest) {
	condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed)(rt)
	rt.Status.Health.Checks[0].Status = v1alpha1.CheckFail
}

func TestAReportOfSomebodyElseIsNoEvidence(t *testing.T) {
	fallback := first + "-abcdef"
	for name, c := range map[string]struct {
		there  []string // names of forged reports
		report string   // of the run; empty if it has none
		reason string
		plain  bool // they have no label of ours
	}{
		"under any name":                 {[]string{"a-good-one"}, first, v1alpha1.ReasonReportWritten, false},
		"under the name of the run's":    {[]string{first}, fallback, v1alpha1.ReasonReportWritten, false},
		"under that name without labels": {[]string{first}, fallback, v1alpha1.ReasonReportWritten, true},
		"under both of its names":        {[]string{first, fallback}, "", v1alpha1.ReasonReportNotStored, false},
		"under every name":               {[]string{"a", "b", first, fallback}, "", v1alpha1.ReasonReportNotStored, false},
	} {
		t.Run(name, func(t *testing.T) {
			var there []runtime.Object
			for _, name := range c.there {
				r := forged(name)
				if c.plain {
					r.Labels = nil
				}
				there = append(there, r)
			}
			there = append(there, stored("z-older", 300), stored("z-old", 200))
			f := newFixture(t, test(failing), there...)
			rt := f.mustSync(t)
			equal(t, "result", rt.Status.LastResult, v1alpha1.ResultFail)
			equal(t, "name in the test", rt.Status.LastReportRef, c.report)
			reported := conditions.ForRun(rt, v1alpha1.ConditionReported)
			equal(t, "status", reported.Status, metav1.ConditionTrue)
			equal(t, "reason", reported.Reason, c.reason)
			close(f.events.Events)
			var events []string
			for e := range f.events.Events {
				events = append(events, e)
			}
			warned := slices.IndexFunc(events, func(e string) bool { return strings.HasPrefix(e, "Warning "+v1alpha1.EventForeignReport) })
			if warned < 0 {
				t.Fatalf("no warning among %q", events)
			}
			for i, name := range c.there {
				if i < 3 && (!strings.Contains(reported.Message, name) || !strings.Contains(events[warned], name)) {
					t.Errorf("%s is not named in %q and %q", name, reported.Message, events[warned])
				}
			}
			want := append([]string{"z-old"}, c.there...) // the test keeps 2
			if c.report != "" {
				want = append(want, c.report)
			} else {
				want = append(want, "z-older") // no old one goes without a new one
			}
			slices.Sort(want)
			equal(t, "reports", f.names(t), want)
			for _, r := range f.reports(t) {
				if slices.Contains(c.there, r.Name) && r.Status.Score != 100 {
					t.Errorf("%s was written to", r.Name)
				}
				if r.Name == c.report {
					equal(t, "its result", r.Status.Result, v1alpha1.ResultFail)
				}
			}
		})
	}
}

func TestWhoJudgesAReportOfOursFirstHasMadeItHisOwn(t *testing.T) {
	f := newFixture(t, test(failing))
	raced := false
	f.client.PrependReactor("update", "restorereports", func(clienttesting.Action) (bool, runtime.Object, error) {
		if raced {
			return false, nil, nil
		}
		raced = true
		gvr := v1alpha1.Resource("restorereports").WithVersion("v1alpha1")
		made, err := f.client.Tracker().Get(gvr, "prod", first)
		if err != nil {
			t.Fatal(err)
		}
		r := made.(*v1alpha1.RestoreReport)
		r.Status = &v1alpha1.RestoreReportStatus{Score: 100, Result: v1alpha1.ResultPass}
		if err := f.client.Tracker().Update(gvr, r, "prod", metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err != nil {
			t.Fatal(err)
		}
		return true, nil, errors.New("a report cannot be changed once written")
	})
	if _, err := f.sync(t); err == nil {
		t.Fatal("no error")
	}
	rt := f.mustSync(t)
	equal(t, "reports", f.names(t), []string{first, first + "-abcdef"})
	equal(t, "name in the test", rt.Status.LastReportRef, first+"-abcdef")
	equal(t, "result", rt.Status.LastResult, v1alpha1.ResultFail)
}

func TestAReportOfOursStaysOursWithoutItsLabels(t *testing.T) {
	f := newFixture(t, test())
	failOnce(&f.client.Fake, "patch", "restoretests", "status", errors.New("crash"))
	if _, err := f.sync(t); err == nil {
		t.Fatal("no error")
	}
	r := f.reports(t)[0]
	r.Labels, r.Annotations = map[string]string{"audited": "yes"}, nil
	gvr := v1alpha1.Resource("restorereports").WithVersion("v1alpha1")
	if err := f.client.Tracker().Update(gvr, &r, "prod", metav1.UpdateOptions{FieldManager: "kubectl-label"}); err != nil {
		t.Fatal(err)
	}
	rt := f.mustSync(t)
	equal(t, "reports", f.names(t), []string{first})
	equal(t, "name in the test", rt.Status.LastReportRef, first)
	equal(t, "message", conditions.ForRun(rt, v1alpha1.ConditionReported).Message, "pass, score 100: report "+first)
}

func TestWithoutAFreeNameTheVerdictStandsAlone(t *testing.T) {
	f := newFixture(t, test(), stored(first, 10), stored(first+"-abcdef", 20)) // both of other runs
	rt := f.mustSync(t)
	c := conditions.ForRun(rt, v1alpha1.ConditionReported)
	equal(t, "reason", c.Reason, v1alpha1.ReasonReportNotStored)
	equal(t, "message", c.Message, "pass, score 100: there is no report, for the names that it may have are taken: "+first+", "+first+"-abcdef")
	equal(t, "result", rt.Status.LastResult, v1alpha1.ResultPass)
	equal(t, "name in the test", rt.Status.LastReportRef, "")
	equal(t, "score of the other", f.reports(t)[0].Status.Score, int32(50))
}
