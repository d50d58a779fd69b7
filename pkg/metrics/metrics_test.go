package metrics

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/testutil"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// names are those on which users' dashboards and alerts rest.
var names = []string{"kymaros_tests_total", "kymaros_score", "kymaros_rto_seconds", "kymaros_backup_age_seconds", "kymaros_test_duration_seconds", "kymaros_leaked_objects_total", "kymaros_missed_turns_total"}

func TestSeriesOfATest(t *testing.T) {
	Register()
	Register() // a second time changes nothing
	last := int32(70)
	Known("prod", "shop", &last)
	Ended("prod", "shop", Run{Result: v1alpha1.ResultPass, Score: 98, Duration: 90 * time.Second, RTO: 80 * time.Second, BackupAge: time.Hour})
	Ended("prod", "shop", Run{Result: v1alpha1.ResultFail, Score: 0, Duration: time.Second})
	Leaked("prod", "shop", 3)
	Leaked("prod", "shop", 0)
	MissedTurn("prod", "shop")
	want := `
# HELP kymaros_backup_age_seconds [ALPHA] Age of the backup when the last run restored it.
# TYPE kymaros_backup_age_seconds gauge
kymaros_backup_age_seconds{namespace="prod",test="shop"} 3600
# HELP kymaros_leaked_objects_total [ALPHA] Number of objects that runs left behind, because deleting them could have destroyed what is not theirs.
# TYPE kymaros_leaked_objects_total counter
kymaros_leaked_objects_total{namespace="prod",test="shop"} 3
# HELP kymaros_missed_turns_total [ALPHA] Number of runs that had no turn within spec.schedule.startingDeadlineSeconds.
# TYPE kymaros_missed_turns_total counter
kymaros_missed_turns_total{namespace="prod",test="shop"} 1
# HELP kymaros_rto_seconds [ALPHA] Recovery time of the last run that recovered: from the start of the restore until all checks passed.
# TYPE kymaros_rto_seconds gauge
kymaros_rto_seconds{namespace="prod",test="shop"} 80
# HELP kymaros_score [ALPHA] Score of the last run, 0 to 100.
# TYPE kymaros_score gauge
kymaros_score{namespace="prod",test="shop"} 0
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
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}

	Ended("prod", "shop", Run{Result: v1alpha1.ResultInconclusive, Duration: time.Second})
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(""), "kymaros_score"); err != nil {
		t.Errorf("a run that showed nothing has a score: %v", err)
	}

	Forget("prod", "shop")
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(""), names...); err != nil {
		t.Errorf("series of a deleted test remain: %v", err)
	}
}

func TestWhatASearchFoundIsATime(t *testing.T) {
	Register()
	const head = `
# HELP kymaros_last_good_backup_timestamp_seconds [ALPHA] When the newest backup began that restores, in Unix seconds, as the last search after a failed run has found; 0 if it found none. Absent without a search.
# TYPE kymaros_last_good_backup_timestamp_seconds gauge
kymaros_last_good_backup_timestamp_seconds{namespace="prod",test="shop"} `
	began := metav1.NewTime(time.Unix(1700000000, 0))
	found := &v1alpha1.SearchStatus{State: v1alpha1.SearchFound, LastGood: &v1alpha1.VerifiedBackup{BackupTime: &began}}
	for _, c := range []struct {
		search *v1alpha1.SearchStatus
		want   string
	}{
		{nil, ""}, {found, head + "1.7e+09\n"}, {&v1alpha1.SearchStatus{State: v1alpha1.SearchUnderWay}, ""}, {&v1alpha1.SearchStatus{State: v1alpha1.SearchNotFound}, head + "0\n"}, {nil, ""},
	} {
		Searched("prod", "shop", c.search)
		if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(c.want), "kymaros_last_good_backup_timestamp_seconds"); err != nil {
			t.Errorf("%+v: %v", c.search, err)
		}
	}
	Searched("prod", "shop", found)
	Forget("prod", "shop")
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(""), "kymaros_last_good_backup_timestamp_seconds"); err != nil {
		t.Errorf("of a deleted test: %v", err)
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
	compare("")
	Fence(false)
	compare(head + "kymaros_fence_intact 0\n")
	Fence(true)
	compare(head + "kymaros_fence_intact 1\n")
}

func TestRunsOnWhichVeleroStalledAreCounted(t *testing.T) {
	Register()
	VeleroStalled()
	want := "# HELP kymaros_velero_stalled_total [ALPHA] Number of runs that were given up because Velero's server ended while it was at work on their Restore.\n" +
		"# TYPE kymaros_velero_stalled_total counter\nkymaros_velero_stalled_total 1\n"
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "kymaros_velero_stalled_total"); err != nil {
		t.Error(err)
	}
}

func TestTheLine(t *testing.T) {
	Register()
	compare := func(want string) {
		t.Helper()
		if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "kymaros_waiting_tests", "kymaros_place_in_line"); err != nil {
			t.Error(err)
		}
	}
	const head = `
# HELP kymaros_waiting_tests [ALPHA] Number of tests whose run is due and waits in line for its turn. Controllers that do not lead say 0.
# TYPE kymaros_waiting_tests gauge
`
	Line([]cache.ObjectName{{Namespace: "prod", Name: "shop"}, {Namespace: "prod", Name: "db"}})
	compare(head + `kymaros_waiting_tests 2
# HELP kymaros_place_in_line [ALPHA] Place of a test in the line of those that wait for their turn, 1 for the next.
# TYPE kymaros_place_in_line gauge
kymaros_place_in_line{namespace="prod",test="db"} 2
kymaros_place_in_line{namespace="prod",test="shop"} 1
`)
	Line(nil)
	compare(head + "kymaros_waiting_tests 0\n")
}
