package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWhatIsTheSameInTheStoreIsNotWrittenAgain(t *testing.T) {
	second := time.Date(2026, 11, 26, 3, 0, 4, 0, time.UTC)
	at := func(t time.Time) *v1alpha1.RestoreTestStatus {
		return &v1alpha1.RestoreTestStatus{Health: &v1alpha1.HealthStatus{RunID: "run", StartTime: &metav1.Time{Time: t}}}
	}
	ids := func(all []string) *v1alpha1.RestoreTestStatus { return &v1alpha1.RestoreTestStatus{RestoreIDs: all} }
	for name, c := range map[string]struct {
		a, b       *v1alpha1.RestoreTestStatus
		controller string
		want       bool
	}{
		"a fraction of a second":        {at(second), at(second.Add(time.Millisecond)), HealthCheck, true},
		"another time zone":             {at(second), at(second.In(time.FixedZone("x", 3600))), HealthCheck, true},
		"another second":                {at(second), at(second.Add(time.Second)), HealthCheck, false},
		"no list and an empty one":      {ids(nil), ids([]string{}), Restore, true},
		"another list":                  {ids([]string{"a"}), ids([]string{"b"}), Restore, false},
		"it is gone":                    {&v1alpha1.RestoreTestStatus{}, at(second), HealthCheck, false},
		"what belongs to somebody else": {ids([]string{"a"}), ids([]string{"b"}), HealthCheck, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := sameShare(c.a, c.b, c.controller); err != nil || got != c.want {
				t.Errorf("same %v, %v", got, err)
			}
		})
	}
}
