package dashboard

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// told has a test have channels, and a condition that says what came of it.
func told(rt *v1alpha1.RestoreTest, status metav1.ConditionStatus, reason, message string, channels []v1alpha1.NotificationChannel, deliveries ...v1alpha1.NotificationDelivery) {
	rt.Spec.Notifications = &v1alpha1.Notifications{OnFailure: channels}
	at := metav1.NewTime(night(time.Now(), 0).Add(25 * time.Minute))
	for i := range deliveries {
		deliveries[i].DecidedAt, deliveries[i].Time = at, metav1.NewTime(at.Add(time.Duration(i+1)*4*time.Second))
	}
	rt.Status.Notifications = &v1alpha1.NotificationsStatus{Deliveries: deliveries}
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionNotified, Status: status, Reason: reason, Message: message, LastTransitionTime: at})
}

var (
	slack = v1alpha1.NotificationChannel{Type: "slack", Channel: "#restores", WebhookSecretRef: "slack-restores"}
	pager = v1alpha1.NotificationChannel{Type: "pagerduty", WebhookSecretRef: "pager"}
	mail  = v1alpha1.NotificationChannel{Type: "email", To: []string{"oncall@example.com"}}
)

// delivered has all be told.
func delivered(rt *v1alpha1.RestoreTest) {
	told(rt, metav1.ConditionTrue, v1alpha1.ReasonDelivered, "Sent: recovered to slack/slack-restores", []v1alpha1.NotificationChannel{slack},
		v1alpha1.NotificationDelivery{ID: "a.failed.1", Channel: "slack/slack-restores", Event: v1alpha1.NotifyFailed, Also: []v1alpha1.NotificationEvent{v1alpha1.NotifyRegressed}, State: v1alpha1.DeliverySent, Attempts: 1},
		v1alpha1.NotificationDelivery{ID: "a.recovered.2", Channel: "slack/slack-restores", Event: v1alpha1.NotifyRecovered, State: v1alpha1.DeliverySent, Attempts: 2})
}

// givenUp has one of two channels not answer.
func givenUp(rt *v1alpha1.RestoreTest) {
	told(rt, metav1.ConditionFalse, v1alpha1.ReasonUndeliverable, "Given up: failed to pagerduty/pager: the receiver answered 403", []v1alpha1.NotificationChannel{slack, pager},
		v1alpha1.NotificationDelivery{ID: "b.failed.1", Channel: "slack/slack-restores", Event: v1alpha1.NotifyFailed, State: v1alpha1.DeliverySent, Attempts: 1},
		v1alpha1.NotificationDelivery{ID: "b.failed.2", Channel: "pagerduty/pager", Event: v1alpha1.NotifyFailed, Also: []v1alpha1.NotificationEvent{v1alpha1.NotifyRegressed}, State: v1alpha1.DeliveryUndeliverable, Attempts: 5, LastError: "the receiver answered 403"})
}

// unreadable has the Secret of a channel not be there.
func unreadable(rt *v1alpha1.RestoreTest) {
	why := "Secret pager does not exist in namespace team-web: kubectl -n team-web create secret generic pager --from-literal=routing-key=VALUE"
	told(rt, metav1.ConditionFalse, v1alpha1.ReasonSecretNotReadable, "Not sent yet: failed to pagerduty/pager: "+why, []v1alpha1.NotificationChannel{pager},
		v1alpha1.NotificationDelivery{ID: "c.failed.1", Channel: "pagerduty/pager", Event: v1alpha1.NotifyFailed, State: v1alpha1.DeliveryPending, LastError: why})
}

// silenced has nothing be sent for some hours.
func silenced(rt *v1alpha1.RestoreTest) {
	until := time.Now().Add(5 * time.Hour).UTC().Truncate(time.Minute).Format(time.RFC3339)
	rt.Annotations = map[string]string{v1alpha1.AnnotationSilenceUntil: until}
	told(rt, metav1.ConditionUnknown, v1alpha1.ReasonSilenced, "Nothing is sent until "+until+" (annotation "+v1alpha1.AnnotationSilenceUntil+"); then what still holds is", []v1alpha1.NotificationChannel{slack, mail},
		v1alpha1.NotificationDelivery{ID: "d.rto.1", Channel: "slack/slack-restores", Event: v1alpha1.NotifyRTOExceeded, State: v1alpha1.DeliveryPending})
}
