package notify

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// seen is what is decided from.
type seen struct {
	rt       *v1alpha1.RestoreTest
	channels []channel
	// points is by how many points the score may fall.
	points int32
	// interval is the longest time between two runs by the clock; 0: there is none.
	interval time.Duration
	silence  silence
	// tries are the outcomes of deliveries since the status was written last, by id.
	tries map[string]try
	// deadline is how long a delivery is tried.
	deadline time.Duration
	now      time.Time
}

// plan is what to write, and when to look again.
type plan struct {
	// status is what status.notifications is to be; nil: the test has none and needs none.
	status    *v1alpha1.NotificationsStatus
	condition metav1.Condition
	again     time.Duration
}

// decide tells what is to be told of a test. It sends nothing: a delivery is sent once its intent is in the status.
func decide(s *seen) plan {
	if s.rt.Status.Notifications == nil && len(s.channels) == 0 {
		return plan{}
	}
	told := s.rt.Status.Notifications.DeepCopy()
	if told == nil {
		told = &v1alpha1.NotificationsStatus{}
	}
	s.outcomes(told)
	s.withdraw(told)
	p := plan{status: told}
	if len(s.channels) > 0 && !s.silence.on {
		var found []occasion
		found, p.again = occasions(s, told)
		for i := range found {
			s.tell(told, &found[i])
		}
	}
	p.again = sooner(p.again, s.silence.left)
	p.again = sooner(p.again, s.expire(told))
	trim(told)
	p.condition = s.condition(told)
	return p
}

// withdraw takes back what is not to be sent any more: for channels that are not named any longer and, after a silence, what does not hold
// any longer.
func (s *seen) withdraw(told *v1alpha1.NotificationsStatus) {
	before := meta.FindStatusCondition(s.rt.Status.Conditions, v1alpha1.ConditionNotified)
	awake := !s.silence.on && before != nil && before.Reason == v1alpha1.ReasonSilenced
	for i := range told.Deliveries {
		d := &told.Deliveries[i]
		switch {
		case d.State != v1alpha1.DeliveryPending:
		case find(s.channels, d.Channel) == nil:
			d.LastError = "the test does not name this channel any more"
			s.end(d, v1alpha1.DeliveryWithdrawn, s.now)
		case awake && !s.holds(told, d):
			d.LastError = "it did not hold any more when the silence was over"
			s.end(d, v1alpha1.DeliveryWithdrawn, s.now)
		case awake:
			d.DecidedAt = metav1.NewTime(s.now.Truncate(time.Second)) // nobody has tried meanwhile
		}
	}
	told.Told = slices.DeleteFunc(told.Told, func(c v1alpha1.ToldChannel) bool { return find(s.channels, c.Channel) == nil })
}

// holds tells whether what d tells is still so.
func (s *seen) holds(told *v1alpha1.NotificationsStatus, d *v1alpha1.NotificationDelivery) bool {
	status := &s.rt.Status
	switch {
	case d.Facts == nil || d.Facts.RunID == "":
		since := verifiedAt(s.rt)
		return told.OverdueSince.Equal(&since)
	case d.Event == v1alpha1.NotifyLastGoodChanged:
		return told.LastGood != "" && status.Search != nil && status.Search.RunID == d.Facts.RunID
	case status.LastRun != nil && status.LastRun.RunID == d.Facts.RunID:
		return true
	}
	return status.Run != nil && status.Run.ID == d.Facts.RunID
}

// tell adds the deliveries of an occasion, one a channel at most.
func (s *seen) tell(told *v1alpha1.NotificationsStatus, o *occasion) {
	for i := range s.channels {
		c := &s.channels[i]
		events := eventsFor(c, o, knows(told, c.key))
		if len(events) == 0 {
			continue
		}
		bySeverity(events)
		now := metav1.NewTime(s.now.Truncate(time.Second))
		facts := o.facts
		d := v1alpha1.NotificationDelivery{
			ID: o.id + "." + string(events[0]) + "." + hash(c.key), Channel: c.key, Event: events[0], Also: events[1:],
			State: v1alpha1.DeliveryPending, DecidedAt: now, Time: now, Facts: &facts,
		}
		if len(d.Also) == 0 {
			d.Also = nil
		}
		if !slices.ContainsFunc(told.Deliveries, func(old v1alpha1.NotificationDelivery) bool { return old.ID == d.ID }) {
			told.Deliveries = append(told.Deliveries, d)
		}
	}
}

// news tells whether an event is a change in itself, beside trouble that is known: a score that falls again, a run that leaves something,
// and the end of the time in which a run was to pass, all of which may come with the verdict of a run.
func news(event v1alpha1.NotificationEvent) bool {
	return event == v1alpha1.NotifyRegressed || event == v1alpha1.NotifyLeaked || event == v1alpha1.NotifyNotVerified
}

// eventsFor returns what of an occasion a channel is to be told that knows of such trouble.
func eventsFor(c *channel, o *occasion, known v1alpha1.NotificationEvent) []v1alpha1.NotificationEvent {
	var events []v1alpha1.NotificationEvent
	switch {
	case o.well() && known != "":
		events = append(events, v1alpha1.NotifyRecovered)
	case c.failure == none || len(o.bad) == 0:
	case c.failure == changes && o.bad[0] == known && !slices.ContainsFunc(o.bad, news):
	default:
		events = append(events, o.bad...)
	}
	if o.verified && (c.success == all || c.success == changes && o.facts.Previous != v1alpha1.ResultPass) {
		events = append(events, v1alpha1.NotifyVerified)
	}
	return events
}
