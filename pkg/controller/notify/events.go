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
	// Where a search goes, a run that failed went before.
	return !slices.Contains([]v1alpha1.NotificationEvent{v1alpha1.NotifyRecovered, v1alpha1.NotifyVerified, v1alpha1.NotifyLastGoodChanged}, e)
}

func bySeverity(events []v1alpha1.NotificationEvent) {
	slices.SortFunc(events, func(a, b v1alpha1.NotificationEvent) int {
		return cmp.Compare(slices.Index(severity, a), slices.Index(severity, b))
	})
}
