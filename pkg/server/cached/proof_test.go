package cached

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/coverage"
)

// TestFewReportsDecideWhatIsProven: the coverage is the same with all reports as with those that are left.
func TestFewReportsDecideWhatIsProven(t *testing.T) {
	noon := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)
	var rows []*Report
	for i := range 400 {
		started := noon.Add(-time.Duration(i) * time.Hour)
		status := &v1alpha1.RestoreReportStatus{Result: v1alpha1.ResultPass, Sandboxes: []v1alpha1.ReportSandbox{{Source: "shop"}}}
		row := &Report{Key: Key{"team", fmt.Sprintf("shop-%d", i)}, Test: "shop", started: started, backupStarted: started.Add(-time.Hour), Result: v1alpha1.ResultPass}
		switch {
		case i == 390: // nobody knows of when its backup is
			row.backupStarted = time.Time{}
		case i == 383: // an older run of a newer backup, that failed
			row.Result, row.backupStarted = v1alpha1.ResultFail, noon.Add(-17*time.Minute)
		case i == 5: // a search failed likewise, which is no run of the newest backup
			row.Result, row.trigger, row.backupStarted = v1alpha1.ResultFail, v1alpha1.TriggerSearch, noon.Add(-time.Minute)
		case i%7 == 3:
			row.Result = v1alpha1.ResultFail
		case i%11 == 5:
			row.trigger = v1alpha1.TriggerSearch
			row.backupStarted = started.Add(-200 * time.Hour)
		case i%13 == 6: // an older run of a newer backup
			row.backupStarted = noon.Add(-time.Duration(431-i) * time.Minute)
		}
		if i%2 == 0 {
			status.Volumes = []v1alpha1.VolumeReport{{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeDataMover}}
		}
		row.shows = evidenceOf(status)
		rows = append(rows, row)
	}
	reports := func(rows []*Report) (all []*v1alpha1.RestoreReport) {
		for _, row := range rows {
			r, err := row.Proof()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		return all
	}
	few := Deciding(rows)
	if len(few) > 60 {
		t.Errorf("%d of %d are left", len(few), len(rows))
	}
	if slices.Equal(few, rows) {
		t.Error("the rows of the view were changed, or none was left out")
	}
	for hours := range 500 {
		made := noon.Add(-time.Duration(hours)*time.Hour - 30*time.Minute)
		in := coverage.Input{
			Namespaces: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop", CreationTimestamp: metav1.NewTime(made)}}},
			Claims:     []coverage.Claim{{Namespace: "shop", Name: "data", Created: made.Add(10 * time.Hour)}}, Now: noon,
		}
		known := func(rows []*Report) string {
			in.Reports = reports(rows)
			n := coverage.Of(in)[0]
			return fmt.Sprintf("%s %s %+v %+v", n.State, n.Why, n.Proof, n.Volumes[0].Proof)
		}
		must(t, fmt.Sprintf("what is known of a namespace of %s", made), known(few), known(rows))
	}
}
