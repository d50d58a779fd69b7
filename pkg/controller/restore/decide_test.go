package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/scope"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// test returns a RestoreTest whose sandbox is ready.
func test(edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Status: v1alpha1.RestoreTestStatus{
			Run: &v1alpha1.RunStatus{ID: "run", StartTime: metav1.NewTime(now.Add(-time.Minute)), Deadline: metav1.NewTime(now.Add(time.Hour)), Spec: v1alpha1.RestoreTestSpec{
				BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}},
			}},
			Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{
				{Source: "shop", Name: "sbx-shop"}, {Source: "db", Name: "sbx-db"},
			}},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionTrue}},
		},
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

func expired(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = metav1.NewTime(now) }

func inDoubtOfNodeA(rt *v1alpha1.RestoreTest) {
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: "run"}
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonIsolationUnproven, Message: "waiting for a proof: node a",
	})
}

func inVain(rt *v1alpha1.RestoreTest) {
	createdBefore(rt)
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonCannotStart, Message: "as it was said",
	})
}

func createdBefore(rt *v1alpha1.RestoreTest) {
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: "run", Name: "kymaros-shop-run", BackupName: "nightly"}
}

func restoreIn(phase velerov1.RestorePhase, edits ...func(*velerov1.Restore)) *velerov1.Restore {
	r := &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "kymaros-shop-run", UID: "ours"}, Spec: velerov1.RestoreSpec{BackupName: "nightly", IncludeClusterResources: new(false)}, Status: velerov1.RestoreStatus{Phase: phase}}
	for _, e := range edits {
		e(r)
	}
	return r
}

// by has a Restore be done by that version of Velero.
func by(version string) func(*velerov1.Restore) {
	return func(r *velerov1.Restore) {
		r.Annotations = map[string]string{v1alpha1.AnnotationVelero: asText(&v1alpha1.VeleroServer{Version: version})}
	}
}

func backup(name string, phase velerov1.BackupPhase, age time.Duration, edits ...func(*velerov1.Backup)) *velerov1.Backup {
	b := &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: velerov1.BackupStatus{Phase: phase, StartTimestamp: &metav1.Time{Time: now.Add(-age)}}}
	for _, e := range edits {
		e(b)
	}
	return b
}

func yielding(rt *v1alpha1.RestoreTest) {
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonYielded, Message: "made way for Restore emergency",
	})
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: rt.Status.Run.ID}
}

func TestDecide(t *testing.T) {
	good := backup("nightly", velerov1.BackupPhaseCompleted, time.Hour)
	type want struct {
		status  metav1.ConditionStatus
		reason  string
		message string
		create  bool
		cancel  bool
	}
	for name, c := range map[string]struct {
		rt   *v1alpha1.RestoreTest
		seen seen
		want want
	}{
		"without a sandbox it waits": {
			test(func(rt *v1alpha1.RestoreTest) { rt.Status.Conditions = nil }), seen{backup: good},
			want{status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "SandboxReady"},
		},
		"with a sandbox, a backup and nobody else it starts": {
			test(), seen{backup: good}, want{status: "Unknown", reason: v1alpha1.ReasonInProgress, message: "nightly", create: true},
		},
		"a partial backup is named as such": {
			test(), seen{backup: backup("n", velerov1.BackupPhasePartiallyFailed, 0)},
			want{status: "Unknown", reason: v1alpha1.ReasonInProgress, message: "PartiallyFailed", create: true},
		},
		"it waits for the Restore of somebody else": {
			test(), seen{backup: good, busy: []string{"emergency"}}, want{status: "Unknown", reason: v1alpha1.ReasonQueued, message: "emergency"},
		},
		"without a backup the run is over": {
			test(), seen{missing: errors.New("there is no Backup")}, want{status: "False", reason: v1alpha1.ReasonBackupNotFound, message: "there is no Backup"},
		},
		"what is not permitted is not restored": {
			test(), seen{refused: errors.New("not permitted")}, want{status: "False", reason: v1alpha1.ReasonNotPermitted, message: "not permitted"},
		},
		"the deadline ends the wait for a turn": {
			test(expired), seen{backup: good, busy: []string{"emergency"}}, want{status: "False", reason: v1alpha1.ReasonNotStarted, message: "emergency"},
		},
		"the deadline ends the wait for a proof of isolation": {
			test(expired, inDoubtOfNodeA), seen{backup: good}, want{status: "False", reason: v1alpha1.ReasonIsolationUnproven, message: "node a"},
		},
		"the deadline ends the wait for a leak to pass": {
			test(expired, inDoubtOfNodeA), seen{backup: good, isolation: isolation.Proof{State: v1alpha1.IsolationNotEnforced, Message: "traffic passes on node b"}},
			want{status: "False", reason: v1alpha1.ReasonIsolationNotEnforced, message: "node b"},
		},
		"a deadline before Velero has begun says nothing about the backup": {
			test(expired), seen{restore: restoreIn("")}, want{status: "False", reason: v1alpha1.ReasonNotStarted, message: "before Velero began"},
		},
		"the deadline ends the wait for Velero": {
			test(expired), seen{restore: restoreIn(velerov1.RestorePhaseInProgress)}, want{status: "False", reason: v1alpha1.ReasonDeadlineExceeded, message: "InProgress"},
		},
		"a Restore that is gone is lost, and not made again": {
			test(createdBefore), seen{backup: good}, want{status: "False", reason: v1alpha1.ReasonLost, message: "kymaros-shop-run"},
		},
		"a new Restore is under way": {
			test(), seen{restore: restoreIn("")}, want{status: "Unknown", reason: v1alpha1.ReasonInProgress},
		},
		"finalizing is under way": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFinalizingPartiallyFailed)}, want{status: "Unknown", reason: v1alpha1.ReasonInProgress},
		},
		"a phase of a later Velero is under way": {
			test(), seen{restore: restoreIn("Pondering")}, want{status: "Unknown", reason: v1alpha1.ReasonInProgress},
		},
		"Completed is True": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseCompleted)}, want{status: "True", reason: v1alpha1.ReasonCompleted, message: "nightly"},
		},
		"Completed counts although the deadline has passed": {
			test(expired), seen{restore: restoreIn(velerov1.RestorePhaseCompleted)}, want{status: "True", reason: v1alpha1.ReasonCompleted},
		},
		"a claim with a volume of production aborts the run, though Velero is content": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseCompleted), production: []string{"claim sbx-shop/data has PersistentVolume pv: reason"}},
			want{status: "False", reason: v1alpha1.ReasonProductionVolume, message: "claim sbx-shop/data has PersistentVolume pv: reason"},
		},
		"so it does when Velero is half content": {
			test(), seen{restore: restoreIn(velerov1.RestorePhasePartiallyFailed), production: []string{"x"}},
			want{status: "False", reason: v1alpha1.ReasonProductionVolume},
		},
		"PartiallyFailed counts the errors": {
			test(), seen{restore: restoreIn(velerov1.RestorePhasePartiallyFailed, func(r *velerov1.Restore) { r.Status.Errors = 3 })},
			want{status: "False", reason: v1alpha1.ReasonPartiallyFailed, message: "3 errors"},
		},
		"Failed gives Velero's reason": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFailed, func(r *velerov1.Restore) { r.Status.FailureReason = "no bucket" })},
			want{status: "False", reason: v1alpha1.ReasonFailed, message: "no bucket"},
		},
		"a store that cannot be reached is not the backup's fault": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFailed, func(r *velerov1.Restore) {
				r.Status.FailureReason = "restore execution failed: error downloading backup: dial tcp 10.0.0.1:9000: connect: connection refused"
			})},
			want{status: "False", reason: v1alpha1.ReasonBackupLocationUnavailable, message: "connection refused"},
		},
		"a Restore that a server found when it started is not the backup's fault": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFailed, func(r *velerov1.Restore) {
				r.Status.FailureReason = `found a restore with status "InProgress" during the server starting, mark it as "Failed"`
			})},
			want{status: "False", reason: v1alpha1.ReasonVeleroStalled, message: "gave the Restore up when it started again"},
		},
		"a server that ended while it finalized is not either": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFinalizingPartiallyFailed), stalled: "the server ended"},
			want{status: "False", reason: v1alpha1.ReasonVeleroStalled, message: "aborted while Restore kymaros-shop-run was FinalizingPartiallyFailed: the server ended"},
		},
		"a Restore of somebody else goes first, though it came later": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseInProgress), foreign: []string{"emergency"}},
			want{status: "Unknown", reason: v1alpha1.ReasonYielded, message: "made way for Restore emergency", cancel: true},
		},
		"who makes way goes on doing so when the other is over": {
			test(yielding), seen{restore: restoreIn(velerov1.RestorePhaseInProgress)},
			want{status: "Unknown", reason: v1alpha1.ReasonYielded, message: "made way for Restore emergency", cancel: true},
		},
		"who made way has shown nothing": {
			test(yielding), seen{restore: restoreIn(velerov1.RestorePhasePartiallyFailed)},
			want{status: "False", reason: v1alpha1.ReasonYielded, message: "made way for Restore emergency"},
		},
		"who was done all the same has": {
			test(yielding), seen{restore: restoreIn(velerov1.RestorePhaseCompleted)},
			want{status: "True", reason: v1alpha1.ReasonCompleted},
		},
		"there is nothing to make way with before Velero fills volumes": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseNew), foreign: []string{"emergency"}},
			want{status: "Unknown", reason: v1alpha1.ReasonInProgress},
		},
		"what cannot come is not waited for": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseInProgress), hopeless: []obstacle{{message: "shop: Pod/db-0: why"}}},
			want{status: "Unknown", reason: v1alpha1.ReasonCannotStart, message: "shop: Pod/db-0: why", cancel: true},
		},
		"it is, where Velero cannot be asked to end": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseInProgress, by("1.16.2")), hopeless: []obstacle{{message: "shop: Pod/db-0: why"}}},
			want{status: "Unknown", reason: v1alpha1.ReasonCannotStart, message: "it is held until the run's deadline: shop: Pod/db-0: why", cancel: true},
		},
		"nor asked for more time": {
			test(expired), seen{restore: restoreIn(velerov1.RestorePhaseInProgress), hopeless: []obstacle{{message: "why", ours: true}}},
			want{status: "False", reason: v1alpha1.ReasonCannotStartInSandbox, message: "why", cancel: true},
		},
		"until Velero is done all that it fills is cancelled": {
			test(inVain), seen{restore: restoreIn(velerov1.RestorePhaseInProgress)},
			want{status: "Unknown", reason: v1alpha1.ReasonCannotStart, message: "as it was said", cancel: true},
		},
		"what was cancelled is not the reason that counts": {
			test(inVain), seen{restore: restoreIn(velerov1.RestorePhasePartiallyFailed)},
			want{status: "False", reason: v1alpha1.ReasonCannotStart, message: "as it was said"},
		},
		"what came back all the same counts": {
			test(inVain), seen{restore: restoreIn(velerov1.RestorePhaseCompleted)}, want{status: "True", reason: v1alpha1.ReasonCompleted},
		},
		"FailedValidation gives Velero's errors": {
			test(), seen{restore: restoreIn(velerov1.RestorePhaseFailedValidation, func(r *velerov1.Restore) { r.Status.ValidationErrors = []string{"no such backup"} })},
			want{status: "False", reason: v1alpha1.ReasonFailedValidation, message: "no such backup"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.rt, c.seen, now)
			got := want{status: p.condition.Status, reason: p.condition.Reason, message: p.condition.Message, create: p.create, cancel: p.cancel}
			if strings.Contains(got.message, c.want.message) {
				got.message = c.want.message
			}
			if got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestQueuedTimeIsTheFirst(t *testing.T) {
	first := metav1.NewTime(now.Add(-time.Minute))
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: "run", QueuedTime: &first}
	})
	if got := decide(rt, seen{busy: []string{"x"}, backup: backup("b", velerov1.BackupPhaseCompleted, 0)}, now).status.QueuedTime; !got.Equal(&first) {
		t.Errorf("queued at %v, want %v", got, first)
	}
}

func TestBusy(t *testing.T) {
	all := func(named map[string]velerov1.RestorePhase) []*velerov1.Restore {
		var list []*velerov1.Restore
		for name, phase := range named {
			r := restoreIn(phase)
			r.Name = name
			if strings.HasPrefix(name, "kymaros-") {
				r.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
			}
			list = append(list, r)
		}
		return list
	}
	for name, c := range map[string]struct {
		restores map[string]velerov1.RestorePhase
		limit    int
		want     []string
	}{
		"nobody":                               {nil, 1, nil},
		"those that ended do not count":        {map[string]velerov1.RestorePhase{"a": "Completed", "b": "Failed", "c": "PartiallyFailed", "d": "FailedValidation"}, 1, nil},
		"a foreign one that only waits counts": {map[string]velerov1.RestorePhase{"a": "", "b": "New"}, 1, []string{"a", "b"}},
		"ours counts from the limit on":        {map[string]velerov1.RestorePhase{"kymaros-x": "InProgress"}, 1, []string{"kymaros-x"}},
		"below the limit ours does not count":  {map[string]velerov1.RestorePhase{"kymaros-x": "InProgress"}, 2, nil},
		"a foreign one counts below any limit": {map[string]velerov1.RestorePhase{"a": "Finalizing"}, 9, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, busy(all(c.restores), c.limit)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuildNeverTouchesProduction(t *testing.T) {
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.BackupSource.LabelSelector = map[string]string{"tier": "db"}
	})
	resources, err := scope.Resources(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	restore := build(rt, v1alpha1.RestoreStatus{BackupName: "nightly", BackupPhase: "Completed", BackupTime: &metav1.Time{Time: now}}, scoped{resources, ModifiersName, false}, "velero", now)
	spec := restore.Spec
	if diff := cmp.Diff([]string{"shop", "db"}, spec.IncludedNamespaces); diff != "" {
		t.Errorf("included namespaces: %s", diff)
	}
	for _, ns := range spec.IncludedNamespaces {
		if to := spec.NamespaceMapping[ns]; to == "" || to == ns || slices.Contains(spec.IncludedNamespaces, to) {
			t.Errorf("namespace %s would be restored into %q", ns, to)
		}
	}
	switch {
	case spec.BackupName != "nightly" || spec.ScheduleName != "":
		t.Error("the backup is not the exact one")
	case spec.IncludeClusterResources == nil || *spec.IncludeClusterResources:
		t.Error("cluster-scoped objects would be restored")
	case spec.ExistingResourcePolicy != velerov1.PolicyTypeNone:
		t.Error("existing objects would be changed")
	case spec.RestorePVs != nil || spec.PreserveNodePorts != nil || spec.RestoreStatus != nil || len(spec.Hooks.Resources) > 0:
		t.Error("a field is set that must not be")
	case spec.ResourceModifier == nil || spec.ResourceModifier.Kind != "ConfigMap" || spec.ResourceModifier.Name != ModifiersName:
		t.Error("nothing would be neutralised")
	case spec.ItemOperationTimeout.Duration != time.Hour:
		t.Errorf("Velero may take %v, the run has an hour", spec.ItemOperationTimeout.Duration)
	case spec.LabelSelector.MatchLabels["tier"] != "db":
		t.Error("the test's label selector is lost")
	}
	left, err := metav1.LabelSelectorAsSelector(spec.LabelSelector)
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"batch.kubernetes.io/job-name", "job-name", "pod-template-generation"} {
		if left.Matches(labels.Set{"tier": "db", owner: "x"}) || !left.Matches(labels.Set{"tier": "db"}) {
			t.Errorf("pods with label %s would run without the controller that owns them", owner)
		}
	}
	if got := restore.Annotations["velero.io/pod-volume-timeout"]; got != "1h0m0s" {
		t.Errorf("Velero may wait %q for a volume, the run has an hour", got)
	}
	followed := decide(rt, seen{restore: restore}, now).status
	if followed.BackupName != "nightly" || followed.BackupPhase != "Completed" || !followed.BackupTime.Time.Equal(now) {
		t.Errorf("after a restart the backup is %s %s of %v", followed.BackupName, followed.BackupPhase, followed.BackupTime)
	}
	for _, unwanted := range []string{"jobs.batch", "networkpolicies.networking.k8s.io", "ingresses.networking.k8s.io", "endpoints", "*", "persistentvolumes"} {
		if slices.Contains(spec.IncludedResources, unwanted) {
			t.Errorf("%s would be restored", unwanted)
		}
	}
}
