package server

import (
	"cmp"
	"fmt"
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// The resources of which this tells something.
const (
	tests    = "restoretests"
	reports  = "restorereports"
	policies = "healthcheckpolicies"
)

// key is what caches know a row by: the only metadata that they read.
type key struct{ namespace, name string }

// GetObjectMeta makes rows objects for caches.
func (k *key) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: k.namespace, Name: k.name}
}

func (k *key) compare(other *key) int {
	return cmp.Or(cmp.Compare(k.namespace, other.namespace), cmp.Compare(k.name, other.name))
}

func keyOf(o metav1.Object) key {
	return key{same(o.GetNamespace()), o.GetName()}
}

// testRow is what lists tell of a RestoreTest.
type testRow struct {
	key
	provider, schedule, timezone string
	suspended                    bool
	phase                        v1alpha1.Phase
	result                       v1alpha1.Result
	score                        *int32 // nil before the first run, and after one that showed nothing
	lastRun, nextRun             time.Time
	lastVerified                 time.Time
	lastReport                   string
	sources                      []string
	target                       time.Duration // 0: none
	policy                       string
	channels                     []channel
	waiting                      *v1alpha1.RestoreTest // see waitingOf
	older, narrow, lessKinds     bool                  // see covering
	untold                       string                // reason of Notified, if that is False
}

// channel is a receiver of notifications.
type channel struct{ kind, name, secret string }

// reportRow is what lists tell of a RestoreReport.
type reportRow struct {
	key
	created, started, completed time.Time
	test, runID                 string
	result                      v1alpha1.Result
	score                       int32
	reason, message             string
	trigger                     v1alpha1.Trigger
	measured, target            time.Duration
	withinSLA                   bool
	backup                      string
	backupAge                   v1alpha1.Duration
	backupStarted               time.Time
	levels                      levelItems
	hygiene                     v1alpha1.HygieneStatus
	shows                       string // see evidence
}

// policyRow is what lists tell of a HealthCheckPolicy.
type policyRow struct {
	key
	checks []string
}

// nothing stands for an object that no list tells of.
type nothing struct{ key }

// toRow is the transform of all informers. It is called again with what it has returned.
func toRow(obj any) (any, error) {
	switch o := obj.(type) {
	case *v1alpha1.RestoreTest:
		return toTestRow(o), nil
	case *v1alpha1.RestoreReport:
		return toReportRow(o), nil
	case *v1alpha1.HealthCheckPolicy:
		return toPolicyRow(o), nil
	case *testRow, *reportRow, *policyRow, *nothing:
		return obj, nil
	}
	return nil, fmt.Errorf("no row is made of a %T", obj)
}

func toTestRow(rt *v1alpha1.RestoreTest) *testRow {
	row := &testRow{
		key:      keyOf(rt),
		provider: same(rt.Spec.BackupSource.Provider), schedule: same(rt.Spec.Schedule.Cron), timezone: same(rt.Spec.Schedule.Timezone),
		suspended: rt.Spec.Suspend, phase: same(rt.Status.Phase), result: same(rt.Status.LastResult), score: rt.Status.LastScore,
		lastRun: timeOf(rt.Status.LastRunAt), nextRun: timeOf(rt.Status.NextRunAt), lastReport: rt.Status.LastReportRef,
		waiting: waitingOf(rt), policy: rt.Spec.HealthChecks.PolicyRef, sources: make([]string, 0, len(rt.Spec.BackupSource.Namespaces)),
	}
	row.older, row.narrow = rt.Spec.BackupSource.AllowOlderThanNamespace, len(rt.Spec.BackupSource.LabelSelector) > 0
	row.lessKinds = rt.Spec.Restore != nil && len(rt.Spec.Restore.ExcludedResources) > 0
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		row.sources = append(row.sources, same(ns.Name))
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
				row.channels = append(row.channels, channel{same(c.Type), c.Channel, c.WebhookSecretRef})
			}
		}
	}
	return row
}

// toReportRow leaves out a report that has no verdict yet, and one that the controller did not write: it is no evidence.
func toReportRow(r *v1alpha1.RestoreReport) any {
	if r.Status == nil || !controller.WroteReport(r) {
		return &nothing{keyOf(r)}
	}
	return rowOf(r)
}

func rowOf(r *v1alpha1.RestoreReport) *reportRow {
	s := r.Status
	level := func(l v1alpha1.LevelResult) levelItem { return levelItem{same(l.Status), l.Points, l.Max} }
	levels := s.ValidationLevels
	row := &reportRow{
		key: keyOf(r), created: r.CreationTimestamp.Time, started: s.StartedAt.Time, completed: s.CompletedAt.Time,
		test: same(r.Spec.TestRef), runID: r.Spec.RunID, result: same(s.Result), score: s.Score, reason: same(s.Reason), message: s.Message,
		trigger: same(s.Trigger), measured: s.RTO.Measured.Or(0), target: s.RTO.Target.Or(0), withinSLA: s.RTO.WithinSLA,
		shows: evidenceOf(s), backup: same(s.Backup.Name), backupAge: s.Backup.Age, backupStarted: timeOf(s.Backup.StartedAt),
		levels: levelItems{
			level(levels.RestoreIntegrity), level(levels.Completeness), level(levels.PodStartup), level(levels.InternalHealth),
			level(levels.CrossNamespaceDeps), level(levels.RTOCompliance),
		},
	}
	if r.Hygiene != nil {
		row.hygiene = same(r.Hygiene.Status)
	}
	return row
}

func toPolicyRow(p *v1alpha1.HealthCheckPolicy) *policyRow {
	row := &policyRow{key: keyOf(p), checks: make([]string, 0, len(p.Spec.Checks))}
	for _, c := range p.Spec.Checks {
		row.checks = append(row.checks, c.Name)
	}
	return row
}

// same has equal texts of many rows share their memory.
func same[T ~string](text T) T { return unique.Make(text).Value() }

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
