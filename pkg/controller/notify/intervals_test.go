package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestTheLongestTimeBetweenTwoRuns(t *testing.T) {
	var i intervals
	of := func(cron, zone string) time.Duration {
		return i.of(&v1alpha1.RestoreTest{Spec: v1alpha1.RestoreTestSpec{Schedule: v1alpha1.Schedule{Cron: cron, Timezone: zone}}})
	}
	for range 2 { // found, and remembered
		for _, c := range []struct {
			cron, zone string
			want       time.Duration
		}{
			{"0 3 * * *", "", 24 * time.Hour}, {"0 3 * * 1-5", "", 72 * time.Hour}, {"*/10 * * * *", "", 10 * time.Minute},
			{"0 3 * * *", "Europe/Brussels", 24 * time.Hour}, // changes of clocks are not counted
			{"nonsense", "", 0}, {"0 3 * * *", "Nowhere", 0},
		} {
			if got := of(c.cron, c.zone); got != c.want {
				t.Errorf("%q in %q: got %s, want %s", c.cron, c.zone, got, c.want)
			}
		}
	}
	for n := range 2 * maxIntervals {
		of(fmt.Sprintf("%d %d %d * *", n%60, n/60%24, 1+n/1440), "")
	}
	if len(i.known) > maxIntervals {
		t.Errorf("%d schedules are remembered", len(i.known))
	}
}
