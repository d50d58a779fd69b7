package cached

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// Test is what lists tell of a RestoreTest.
type Test struct {
	Key
	provider, schedule, timezone string
	Suspended                    bool
	Phase                        v1alpha1.Phase
	Result                       v1alpha1.Result
	Score                        *int32 // nil before the first run, and after one that showed nothing
	LastRun, NextRun             time.Time
	lastVerified                 time.Time
	lastReport                   string
	Sources                      []string
	target                       time.Duration // 0: none
	policy                       string
	Channels                     []Channel
	Waiting                      *v1alpha1.RestoreTest // what the order of the line depends on, see waitingOf; nil: no run waits
	older, narrow, lessKinds     bool                  // see Covering
	untold                       string                // reason of Notified, if that is False
}

// Channel is a receiver of notifications.
type Channel struct{ Kind, Name, Secret string }

func toTestRow(rt *v1alpha1.RestoreTest) *Test {
	row := &Test{
		Key:      keyOf(rt),
		provider: same(rt.Spec.BackupSource.Provider), schedule: same(rt.Spec.Schedule.Cron), timezone: same(rt.Spec.Schedule.Timezone),
		Suspended: rt.Spec.Suspend, Phase: same(rt.Status.Phase), Result: same(rt.Status.LastResult), Score: rt.Status.LastScore,
		LastRun: times.Of(rt.Status.LastRunAt), NextRun: times.Of(rt.Status.NextRunAt), lastReport: rt.Status.LastReportRef,
		Waiting: waitingOf(rt), policy: rt.Spec.HealthChecks.PolicyRef, Sources: make([]string, 0, len(rt.Spec.BackupSource.Namespaces)),
	}
	row.older, row.narrow = rt.Spec.BackupSource.AllowOlderThanNamespace, len(rt.Spec.BackupSource.LabelSelector) > 0
	row.lessKinds = rt.Spec.Restore != nil && len(rt.Spec.Restore.ExcludedResources) > 0
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		row.Sources = append(row.Sources, same(ns.Name))
	}
	if told := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified); told != nil && told.Status == metav1.ConditionFalse {
		row.untold = same(told.Reason)
	}
	if last := rt.Status.LastVerified; last != nil {
		row.lastVerified = last.Time.Time
	}
	if rt.Spec.SLA != nil {
		row.target = rt.Spec.SLA.MaxRTO.Or(0)
	}
	if n := rt.Spec.Notifications; n != nil {
		for _, channels := range [][]v1alpha1.NotificationChannel{n.OnFailure, n.OnSuccess} {
			for _, c := range channels {
				row.Channels = append(row.Channels, Channel{same(c.Type), c.Channel, c.WebhookSecretRef})
			}
		}
	}
	return row
}

// TestItem is a RestoreTest in a list. Times are RFC 3339 in UTC, or empty.
type TestItem struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Provider  string         `json:"provider"`
	Schedule  string         `json:"schedule"`
	Timezone  string         `json:"timezone,omitempty"`
	Suspended bool           `json:"suspended"`
	Phase     v1alpha1.Phase `json:"phase"`
	// LastScore is null before the first run, and after one that has shown nothing about the backup.
	LastScore  *int32          `json:"lastScore"`
	LastResult v1alpha1.Result `json:"lastResult"`
	LastRunAt  string          `json:"lastRunAt"`
	NextRunAt  string          `json:"nextRunAt"`
	// LastVerifiedAt is when the run began that showed last that a backup restores.
	LastVerifiedAt   string   `json:"lastVerifiedAt"`
	LastReport       string   `json:"lastReport,omitempty"`
	Policy           string   `json:"policy,omitempty"`
	SourceNamespaces []string `json:"sourceNamespaces"`
	RTOTarget        string   `json:"rtoTarget,omitempty"`
	// Untold is why people were not told what they are to be, a reason of condition Notified; empty if they were.
	Untold string `json:"untold,omitempty"`
}

// Item returns what lists and streams tell of the test.
func (t *Test) Item() TestItem {
	item := TestItem{
		Name: t.Name, Namespace: t.Namespace, Provider: t.provider, Schedule: t.schedule, Timezone: t.timezone, Suspended: t.Suspended,
		Phase: t.Phase, LastScore: t.Score, LastResult: t.Result, LastRunAt: times.Stamp(t.LastRun), NextRunAt: times.Stamp(t.NextRun),
		LastVerifiedAt: times.Stamp(t.lastVerified), LastReport: t.lastReport, Policy: t.policy, SourceNamespaces: t.Sources, Untold: t.untold,
	}
	if t.target > 0 {
		item.RTOTarget = times.Span(t.target)
	}
	return item
}

// Covering returns as much of the test as tells what it restores.
func (t *Test) Covering() *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: t.Namespace, Name: t.Name}}
	source := &rt.Spec.BackupSource
	source.AllowOlderThanNamespace = t.older
	for _, name := range t.Sources {
		source.Namespaces = append(source.Namespaces, v1alpha1.SourceNamespace{Name: name})
	}
	if t.narrow {
		source.LabelSelector = map[string]string{"": ""}
	}
	if t.lessKinds {
		rt.Spec.Restore = &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{""}}
	}
	return rt
}

// waitingOf returns what the order of the line depends on of a test whose run waits; nil if none does.
func waitingOf(rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
	if !line.Waits(rt) {
		return nil
	}
	run := rt.Status.Run
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, Name: rt.Name},
		Status: v1alpha1.RestoreTestStatus{
			Run:          &v1alpha1.RunStatus{ID: run.ID, Trigger: run.Trigger, ScheduledTime: run.ScheduledTime},
			LastVerified: rt.Status.LastVerified,
		},
	}
}
