package notify

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// kept is how many deliveries a test remembers, unless more are still to be sent.
	kept = 20
	// maxPending is how many may wait for a receiver; the oldest are given up then. It is less than the CRD allows, by what one
	// occasion may add.
	maxPending = 32
)

// try is how the last attempt at a delivery ended.
type try struct {
	// attempts counts all of them.
	attempts int32
	// sent: the receiver has taken it. Else problem says why not, and permanent that there is no use in trying again.
	sent, permanent bool
	problem         string
	at              time.Time
}

// outcomes notes how deliveries ended.
func (s *seen) outcomes(told *v1alpha1.NotificationsStatus) {
	for i := range told.Deliveries {
		d := &told.Deliveries[i]
		t, ok := s.tries[d.ID]
		if !ok || d.State != v1alpha1.DeliveryPending {
			continue
		}
		switch {
		case t.sent:
			d.Attempts, d.LastError = t.attempts, ""
			s.end(d, v1alpha1.DeliverySent, t.at)
			know(told, d)
		case t.permanent:
			d.Attempts, d.LastError = t.attempts, t.problem
			s.end(d, v1alpha1.DeliveryUndeliverable, t.at)
		case t.problem != d.LastError || t.attempts >= 2*d.Attempts:
			// A receiver may be away for a day: that it still is, is not worth a request each time.
			d.Attempts, d.LastError = t.attempts, t.problem
		}
	}
}

// know notes what a channel knows of trouble by now.
func know(told *v1alpha1.NotificationsStatus, d *v1alpha1.NotificationDelivery) {
	i := slices.IndexFunc(told.Told, func(c v1alpha1.ToldChannel) bool { return c.Channel == d.Channel })
	switch {
	case d.Event == v1alpha1.NotifyRecovered && i >= 0:
		told.Told = slices.Delete(told.Told, i, i+1)
	case !trouble(d.Event):
	case i >= 0:
		told.Told[i].Event = d.Event
	default:
		told.Told = append(told.Told, v1alpha1.ToldChannel{Channel: d.Channel, Event: d.Event})
	}
}

// knows returns what a channel was told last of trouble that is not over, or will have been told when what waits for it is sent.
func knows(told *v1alpha1.NotificationsStatus, key string) v1alpha1.NotificationEvent {
	var last v1alpha1.NotificationEvent
	for _, c := range told.Told {
		if c.Channel == key {
			last = c.Event
		}
	}
	for i := range told.Deliveries {
		d := &told.Deliveries[i]
		switch {
		case d.Channel != key || d.State != v1alpha1.DeliveryPending:
		case trouble(d.Event):
			last = d.Event
		case d.Event == v1alpha1.NotifyRecovered:
			last = ""
		}
	}
	return last
}

// expire gives up what was tried for too long, and returns how long it is until the next one is.
func (s *seen) expire(told *v1alpha1.NotificationsStatus) (next time.Duration) {
	if s.silence.on {
		return 0
	}
	for i := range told.Deliveries {
		d := &told.Deliveries[i]
		if d.State != v1alpha1.DeliveryPending {
			continue
		}
		left := d.DecidedAt.Add(s.deadline).Sub(s.now)
		if left > 0 {
			next = sooner(next, left)
			continue
		}
		if d.LastError == "" {
			d.LastError = "it could not be tried in time"
		}
		s.end(d, v1alpha1.DeliveryUndeliverable, s.now)
	}
	return next
}

func (s *seen) end(d *v1alpha1.NotificationDelivery, state v1alpha1.DeliveryState, at time.Time) {
	d.State, d.Time, d.Facts = state, metav1.NewTime(at.Truncate(time.Second)), nil
}

// trim forgets the oldest that are over, and gives up the oldest that wait if there are too many.
func trim(told *v1alpha1.NotificationsStatus) {
	pending := 0
	for i := range told.Deliveries {
		if told.Deliveries[i].State == v1alpha1.DeliveryPending {
			pending++
		}
	}
	for i := range told.Deliveries {
		if d := &told.Deliveries[i]; pending > maxPending && d.State == v1alpha1.DeliveryPending {
			d.State, d.Facts, d.LastError = v1alpha1.DeliveryUndeliverable, nil, "too many newer ones wait for their channels"
			pending--
		}
	}
	over := len(told.Deliveries) - max(kept, pending)
	told.Deliveries = slices.DeleteFunc(told.Deliveries, func(d v1alpha1.NotificationDelivery) bool {
		if over <= 0 || d.State == v1alpha1.DeliveryPending {
			return false
		}
		over--
		return true
	})
}
