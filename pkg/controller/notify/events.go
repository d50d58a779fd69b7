package notify

import (
	"cmp"
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// severity orders events, the most severe first: a message is of the first of its events, and names the others.
var severity = []v1alpha1.NotificationEvent{
	v1alpha1.NotifyFailed, v1alpha1.NotifyNotVerified, v1alpha1.NotifyLeaked, v1alpha1.NotifyPartial, v1alpha1.NotifyLastGoodChanged,
	v1alpha1.NotifyRegressed, v1alpha1.NotifyRTOExceeded, v1alpha1.NotifyRecovered, v1alpha1.NotifyVerified,
}

// trouble tells whether whoever was told of the event is to be told when all is well again.
func trouble(e v1alpha1.NotificationEvent) bool {
	switch e {
	case v1alpha1.NotifyRecovered, v1alpha1.NotifyVerified, v1alpha1.NotifyLastGoodChanged:
		return false // where a search goes, a run that failed went before
	}
	return true
}

func bySeverity(events []v1alpha1.NotificationEvent) {
	slices.SortFunc(events, func(a, b v1alpha1.NotificationEvent) int {
		return cmp.Compare(slices.Index(severity, a), slices.Index(severity, b))
	})
}

// tellsOf tells whether the message of d tells of an event.
func tellsOf(d *v1alpha1.NotificationDelivery, e v1alpha1.NotificationEvent) bool {
	return d.Event == e || slices.Contains(d.Also, e)
}
