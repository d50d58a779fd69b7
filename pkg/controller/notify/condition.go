package notify

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// aboutSecret begins what is said of a Secret that cannot be used.
const aboutSecret = "Secret "

// condition says how things stand with what is to be told. It holds no times and no numbers: else it would change with every try.
func (s *seen) condition(told *v1alpha1.NotificationsStatus) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionNotified, ObservedGeneration: s.rt.Generation}
	var unreadable, given, waiting, fine []string
	for _, key := range channelsIn(told) {
		last := lastOf(told, key)
		said := fmt.Sprintf("%s to %s", last.Event, last.Channel)
		if last.LastError != "" {
			said += ": " + last.LastError
		}
		switch {
		case last.State == v1alpha1.DeliveryPending && strings.HasPrefix(last.LastError, aboutSecret):
			unreadable = append(unreadable, said)
		case last.State == v1alpha1.DeliveryUndeliverable:
			given = append(given, said)
		case last.State == v1alpha1.DeliveryPending:
			waiting = append(waiting, said)
		case last.State == v1alpha1.DeliverySent:
			fine = append(fine, said)
		}
	}
	switch {
	case s.silence.on:
		c.Status, c.Reason = metav1.ConditionUnknown, v1alpha1.ReasonSilenced
		c.Message = fmt.Sprintf("Nothing is sent until %s (annotation %s); then what still holds is", s.rt.Annotations[v1alpha1.AnnotationSilenceUntil], v1alpha1.AnnotationSilenceUntil)
		return c
	case len(unreadable) > 0:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonSecretNotReadable, "Not sent yet: "+list(unreadable)
	case len(given) > 0:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1alpha1.ReasonUndeliverable, "Given up: "+list(given)
	case len(waiting) > 0:
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, v1alpha1.ReasonSending, "To be sent: "+list(waiting)
	case len(fine) > 0:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonDelivered, "Sent: "+list(fine)
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonNothingToTell, "Nothing was to be told yet"
	}
	if len(s.channels) == 0 {
		c.Message = "The test names no channel any more"
	}
	if s.silence.problem != "" {
		c.Message += "; " + s.silence.problem
	}
	return c
}

// channelsIn returns the channels that deliveries name, sorted.
func channelsIn(told *v1alpha1.NotificationsStatus) []string {
	var keys []string
	for i := range told.Deliveries {
		keys = append(keys, told.Deliveries[i].Channel)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// lastOf returns the delivery that tells how things stand with a channel: the first that waits, or the last.
func lastOf(told *v1alpha1.NotificationsStatus, key string) *v1alpha1.NotificationDelivery {
	var last *v1alpha1.NotificationDelivery
	for i := range told.Deliveries {
		d := &told.Deliveries[i]
		if d.Channel != key {
			continue
		}
		last = d
		if d.State == v1alpha1.DeliveryPending {
			break
		}
	}
	return last
}

// list joins what is said, shortened: a condition's message is bounded.
func list(parts []string) string {
	const shown = 8
	if more := len(parts) - shown; more > 0 {
		parts = append(slices.Clone(parts[:shown]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, "; ")
}
