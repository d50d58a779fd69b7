package notify

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	runID  = "20260105-030000-abcdef"
	lastID = "20260104-030000-abcdef"
)

// now is ten minutes after the last run ended.
var now = time.Date(2026, 1, 5, 3, 20, 0, 0, time.UTC)

func at(minutes int) metav1.Time {
	return metav1.NewTime(now.Add(time.Duration(minutes) * time.Minute))
}

type edit = func(*v1alpha1.RestoreTest)

// ended returns a test whose run has ended so and is cleaned up, after one that ended as before says.
func ended(result, before v1alpha1.Result, edits ...edit) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", UID: "uid", CreationTimestamp: at(-10000)},
		Spec: v1alpha1.RestoreTestSpec{
			Schedule:      v1alpha1.Schedule{Cron: "0 3 * * *"},
			Notifications: &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{slack}, OnSuccess: []v1alpha1.NotificationChannel{pager}},
		},
	}
	last := at(-10)
	rt.Status = v1alpha1.RestoreTestStatus{
		Run:       &v1alpha1.RunStatus{ID: runID, Spec: *rt.Spec.DeepCopy(), StartTime: at(-20), ScheduledTime: at(-20)},
		LastRunAt: &last, LastResult: result, LastReportRef: "shop-1",
		LastRun: &v1alpha1.LastRun{RunID: runID, Previous: before, Reason: "Why", Message: "because", Streak: 1, PassedAt: new(at(-20))},
		Cleanup: &v1alpha1.CleanupStatus{RunID: runID},
		Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNothingLeft, LastTransitionTime: at(-9)},
		},
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

var (
	slack = v1alpha1.NotificationChannel{Type: "slack", WebhookSecretRef: "hook"}
	pager = v1alpha1.NotificationChannel{Type: "pagerduty", WebhookSecretRef: "pager"}
)

const (
	slackKey = "slack/hook"
	pagerKey = "pagerduty/pager"
)

// knew is what the test remembers of the run before.
func knew(change ...func(*v1alpha1.NotificationsStatus)) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Notifications = &v1alpha1.NotificationsStatus{RunID: lastID}
		for _, c := range change {
			c(rt.Status.Notifications)
		}
	}
}

// toldOf: the channel was told of trouble.
func toldOf(key string, e v1alpha1.NotificationEvent) func(*v1alpha1.NotificationsStatus) {
	return func(n *v1alpha1.NotificationsStatus) {
		n.Told = append(n.Told, v1alpha1.ToldChannel{Channel: key, Event: e})
	}
}

func scores(before, now int32) edit {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.PreviousScore, rt.Status.LastScore = &before, &now }
}

func leaked(rt *v1alpha1.RestoreTest) {
	rt.Status.Cleanup.Leaked = []v1alpha1.Leak{{Object: "PersistentVolume/pv", Reason: "it is shared"}}
}

func uncleaned(rt *v1alpha1.RestoreTest) { rt.Status.Conditions = nil }

func tooSlow(alert bool) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.SLA = &v1alpha1.SLA{MaxRTO: "1m", AlertOnExceed: alert}
		rt.Status.LastRun.RTO = &v1alpha1.RTO{Measured: "2m", Target: "1m", Parts: &v1alpha1.RTOParts{}}
	}
}

func searched(state v1alpha1.SearchState, found string) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Search = &v1alpha1.SearchStatus{State: state, RunID: runID, Message: "the search says"}
		if found != "" {
			rt.Status.Search.LastGood = &v1alpha1.VerifiedBackup{BackupName: found, Time: at(-1)}
		}
	}
}

func onlyChanges(rt *v1alpha1.RestoreTest) {
	n := rt.Spec.Notifications
	for _, list := range [][]v1alpha1.NotificationChannel{n.OnFailure, n.OnSuccess} {
		for i := range list {
			list[i].OnlyChanges = true
		}
	}
}

// look is what the controller sees of a test, at now, on a daily schedule.
func look(rt *v1alpha1.RestoreTest, edits ...func(*seen)) *seen {
	s := &seen{
		rt: rt, channels: channelsOf(rt.Spec.Notifications, nil), points: defaultPoints, interval: 24 * time.Hour,
		silence: silenceOf(rt, now), deadline: 24 * time.Hour, now: now,
	}
	for _, e := range edits {
		e(s)
	}
	return s
}
