package notify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

func TestPausesAreOfDifferentLength(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 100 {
		d := pause(5, 0)
		if d < 8*time.Second || d > 16*time.Second {
			t.Errorf("after five attempts it is %s", d)
		}
		seen[d] = true
	}
	if len(seen) < 50 {
		t.Errorf("of 100 pauses %d differ: whoever lost a receiver together comes back together", len(seen))
	}
	if d := pause(1, time.Minute); d != time.Minute {
		t.Errorf("who asks for a minute is left alone for %s", d)
	}
	if d := pause(1, 24*time.Hour); d != longestAsked {
		t.Errorf("who asks for a day is left alone for %s", d)
	}
	if d := pause(1000, 0); d > longestPause {
		t.Errorf("after a thousand attempts it is %s", d)
	}
}

func TestWhoAsksForADayIsLeftAloneForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{}
		r.answer = func(context.Context, notify.Channel, notify.Message) error {
			if len(r.ids()) == 1 {
				return &notify.SendError{RetryAfter: 24 * time.Hour}
			}
			return nil
		}
		s := work(t, r, freshTest("shop"))
		time.Sleep(longestAsked + time.Minute)
		s.stop()
		if len(r.when) != 2 || r.when[1].Sub(r.when[0]) < longestAsked {
			t.Errorf("requests at %v", r.when)
		}
	})
}

// exported is the value of a metric, of the series with those labels.
func exported(t *testing.T, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] != l.GetValue() {
					continue series
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return 0
}

func TestAttemptsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := func(outcome string) float64 {
			return exported(t, "kymaros_notifications_total", map[string]string{"type": "teams", "outcome": outcome})
		}
		r := &receivers{answer: func(_ context.Context, _ notify.Channel, m notify.Message) error {
			switch m.Test.Name {
			case "away":
				return &notify.SendError{}
			case "gone":
				return &notify.SendError{Permanent: true}
			}
			return nil
		}}
		var tests []*v1alpha1.RestoreTest
		for _, name := range []string{"away", "gone", "shop"} {
			rt := freshTest(name)
			rt.Spec.Notifications.OnFailure[0].Type = notify.Teams
			tests = append(tests, rt)
		}
		s := work(t, r, tests...)
		time.Sleep(25 * time.Hour)
		s.stop()
		if sent, retried, lost := count(metrics.NotificationSent), count(metrics.NotificationRetried), count(metrics.NotificationUndeliverable); sent != 1 || lost < 1 || sent+retried+lost != float64(len(r.ids())) || retried < 100 {
			t.Errorf("%d attempts: %v sent, %v retried, %v undeliverable", len(r.ids()), sent, retried, lost)
		}
	})
}
