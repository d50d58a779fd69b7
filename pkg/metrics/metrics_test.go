package metrics

import (
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/testutil"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// counted are those on which users' dashboards and alerts rest.
var counted = []string{"kymaros_tests_total", "kymaros_test_duration_seconds", "kymaros_leaked_objects_total", "kymaros_missed_turns_total"}

func TestWhatIsCountedOfATest(t *testing.T) {
	Register()
	Register() // a second time changes nothing
	Known("prod", "shop")
	Ended("prod", "shop", Run{Result: v1alpha1.ResultPass, Reason: "Passed", Duration: 90 * time.Second})
	Ended("prod", "shop", Run{Result: v1alpha1.ResultFail, Reason: v1alpha1.ReasonCheckFailed, Duration: time.Second})
	Leaked("prod", "shop", 3)
	Leaked("prod", "shop", 0)
	MissedTurn("prod", "shop")
	want := `
# HELP kymaros_leaked_objects_total [ALPHA] Number of objects that runs left behind, because deleting them could have destroyed what is not theirs.
# TYPE kymaros_leaked_objects_total counter
kymaros_leaked_objects_total{namespace="prod",test="shop"} 3
# HELP kymaros_missed_turns_total [ALPHA] Number of runs that had no turn within spec.schedule.startingDeadlineSeconds.
# TYPE kymaros_missed_turns_total counter
kymaros_missed_turns_total{namespace="prod",test="shop"} 1
# HELP kymaros_test_duration_seconds [ALPHA] Duration of runs, from their start to their verdict.
# TYPE kymaros_test_duration_seconds histogram
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="60"} 1
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="120"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="240"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="480"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="960"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="1920"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="3840"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="7680"} 2
kymaros_test_duration_seconds_bucket{namespace="prod",test="shop",le="+Inf"} 2
kymaros_test_duration_seconds_sum{namespace="prod",test="shop"} 91
kymaros_test_duration_seconds_count{namespace="prod",test="shop"} 2
# HELP kymaros_tests_total [ALPHA] Number of runs that ended, by result.
# TYPE kymaros_tests_total counter
kymaros_tests_total{namespace="prod",result="fail",test="shop"} 1
kymaros_tests_total{namespace="prod",result="inconclusive",test="shop"} 0
kymaros_tests_total{namespace="prod",result="partial",test="shop"} 0
kymaros_tests_total{namespace="prod",result="pass",test="shop"} 1
`
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), counted...); err != nil {
		t.Error(err)
	}

	Forget("prod", "shop")
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(""), counted...); err != nil {
		t.Errorf("series of a deleted test remain: %v", err)
	}
}

func TestRunsAreCountedByTheirReasonAndItsClass(t *testing.T) {
	Register()
	runs.Reset()
	for _, reason := range []string{"Passed", v1alpha1.ReasonCheckFailed, v1alpha1.ReasonCheckFailed, v1alpha1.ReasonNameTaken, v1alpha1.ReasonNotChecked, "Nobody knows it", ""} {
		Ended("prod", "shop", Run{Reason: reason})
	}
	Forget("prod", "shop")
	want := `
# HELP kymaros_runs_total [ALPHA] Number of runs of all tests that ended, by the reason of their result and by its class: passed, backup (it is bad), sandbox (could not be shown) or inconclusive (nothing was learnt).
# TYPE kymaros_runs_total counter
kymaros_runs_total{class="backup",reason="CheckFailed"} 2
kymaros_runs_total{class="inconclusive",reason="NameTaken"} 1
kymaros_runs_total{class="inconclusive",reason="other"} 2
kymaros_runs_total{class="passed",reason="Passed"} 1
kymaros_runs_total{class="sandbox",reason="NotChecked"} 1
`
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "kymaros_runs_total"); err != nil {
		t.Error(err)
	}
}

func TestTheFenceIsNotToldOfBeforeSomebodyHasLooked(t *testing.T) {
	Register()
	const head = `
# HELP kymaros_fence_intact [ALPHA] Whether the admission fence was as shipped when it was last looked at, 1 or 0. Controllers that do not lead do not look.
# TYPE kymaros_fence_intact gauge
`
	compare := func(want string) {
		t.Helper()
		if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "kymaros_fence_intact"); err != nil {
			t.Error(err)
		}
	}
	fence.Reset()
	compare("")
	Fence(false)
	compare(head + "kymaros_fence_intact 0\n")
	Fence(true)
	compare(head + "kymaros_fence_intact 1\n")
}

func TestRunsOnWhichVeleroStalledAreCounted(t *testing.T) {
	Register()
	count := func() (n float64) {
		all, err := legacyregistry.DefaultGatherer.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range all {
			if family.GetName() == "kymaros_velero_stalled_total" {
				n = family.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return n
	}
	before := count()
	VeleroStalled()
	if more := count() - before; more != 1 {
		t.Errorf("one run has counted as %v", more)
	}
}
