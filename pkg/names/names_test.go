package names

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var start = time.Date(2026, 3, 1, 3, 4, 5, 0, time.FixedZone("", 3600))

func TestNamesAreValidHoweverLongTheTestsName(t *testing.T) {
	for _, test := range []string{"a", "shop.db", strings.Repeat("x", 57) + "-y", strings.Repeat("long.", 50) + "z"} {
		run := RunID("uid", start)
		for what, problems := range map[string][]string{
			"sandbox " + Sandbox("rp-test", test, run, "shop"):               validation.IsDNS1123Label(Sandbox("rp-test", test, run, "shop")),
			"restore " + Restore(test, run):                                  validation.IsDNS1123Label(Restore(test, run)),
			"report " + Report(test, start):                                  validation.IsDNS1123Subdomain(Report(test, start)),
			"label " + LabelValue(test):                                      validation.IsValidLabelValue(LabelValue(test)),
			"sandbox " + Sandbox(strings.Repeat("p", 40), test, run, "shop"): validation.IsDNS1123Label(Sandbox(strings.Repeat("p", 40), test, run, "shop")),
		} {
			if len(problems) > 0 {
				t.Errorf("%s: %v", what, problems)
			}
		}
	}
}

func TestNamesDiffer(t *testing.T) {
	long := strings.Repeat("x", 70)
	run, next := RunID("uid", start), RunID("uid", start.Add(time.Second))
	for what, pair := range map[string][2]string{
		"runs of one test":                     {run, next},
		"runs of two tests that start at once": {run, RunID("other", start)},
		"sandboxes of two sources":             {Sandbox("p", long, run, "a"), Sandbox("p", long, run, "b")},
		"sandboxes of two runs":                {Sandbox("p", long, run, "a"), Sandbox("p", long, next, "a")},
		"labels of two long names":             {LabelValue(long + "a"), LabelValue(long + "b")},
		"restores of two long names":           {Restore(long+"a", run), Restore(long+"b", run)},
	} {
		if pair[0] == pair[1] {
			t.Errorf("%s have one name: %s", what, pair[0])
		}
	}
}

func TestNamesAreStable(t *testing.T) {
	if got, want := RunID("uid", start), "20260301-020405-"; !strings.HasPrefix(got, want) || got != RunID("uid", start) {
		t.Errorf("RunID = %s, want %s…, the same each time", got, want)
	}
	if got, want := Report("shop", start), "shop-20260301-020405"; got != want {
		t.Errorf("Report = %s, want %s", got, want)
	}
	if got := Sandbox("rp-test", "shop", "run", "db"); got != Sandbox("rp-test", "shop", "run", "db") || !strings.HasPrefix(got, "rp-test-shop-") || len(got) != len("rp-test-shop-")+6 {
		t.Errorf("Sandbox = %s", got)
	}
}

func TestShortenLeavesShortNamesAlone(t *testing.T) {
	if got := Shorten("abc", 3); got != "abc" {
		t.Errorf("Shorten = %s", got)
	}
	if got := Shorten("abcdefgh-ij", 10); len(got) > 10 || !strings.HasPrefix(got, "abc-") {
		t.Errorf("Shorten = %s", got)
	}
}

func TestLabelsTellTestsOfOneNameApart(t *testing.T) {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"}, Status: v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run"}}}
	got := Labels(rt, "sbx")
	if got["kymaros.io/test"] != "shop" || got["kymaros.io/restoretest-namespace"] != "team" {
		t.Errorf("labels %v", got)
	}
}

func TestLabelsThatWereLost(t *testing.T) {
	want := map[string]string{"kymaros.io/run": "run", "kymaros.io/restoretest-namespace": "team"}
	for name, c := range map[string]struct{ live, lost map[string]string }{
		"none":                                {map[string]string{"kymaros.io/run": "run", "kymaros.io/restoretest-namespace": "team", "another": "x"}, map[string]string{}},
		"none, of what an older version gave": {map[string]string{"kymaros.io/run": "run"}, map[string]string{}},
		"one that is gone":                    {map[string]string{"kymaros.io/restoretest-namespace": "team"}, map[string]string{"kymaros.io/run": "run"}},
		"one that is another":                 {map[string]string{"kymaros.io/run": "run", "kymaros.io/restoretest-namespace": "x"}, map[string]string{"kymaros.io/restoretest-namespace": "team"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.lost, Lost(c.live, want)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNamesThatPoliciesExempt(t *testing.T) {
	for name, want := range map[string]bool{"kube-system": true, "openshift-x": true, "kubeshop": false, "openshift": false, "my-kube-x": false, "": false} {
		if Exempt(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
