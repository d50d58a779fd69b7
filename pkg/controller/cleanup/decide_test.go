package cleanup

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func namespace(name string, deletedFor time.Duration) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if deletedFor >= 0 {
		ns.DeletionTimestamp = &metav1.Time{Time: now.Add(-deletedFor)}
	}
	return ns
}

func restore(phase velerov1.RestorePhase) *velerov1.Restore {
	return &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "r", CreationTimestamp: metav1.NewTime(now)}, Status: velerov1.RestoreStatus{Phase: phase}}
}

func created(r *velerov1.Restore, ago time.Duration) *velerov1.Restore {
	r.CreationTimestamp = metav1.NewTime(now.Add(-ago))
	return r
}

func deleted(r *velerov1.Restore, ago time.Duration) *velerov1.Restore {
	r.DeletionTimestamp = &metav1.Time{Time: now.Add(-ago)}
	return r
}

const (
	live = -1
	run  = "run"
)

func TestStepsComeInOrder(t *testing.T) {
	stuckNamespace := namespace("sbx", time.Hour)
	stuckNamespace.Status.Conditions = []corev1.NamespaceCondition{{Type: corev1.NamespaceFinalizersRemaining, Status: corev1.ConditionTrue, Message: "foo.example.com in 1 resource instances"}}
	type want struct {
		step    step
		status  metav1.ConditionStatus
		reason  string
		message string
	}
	for name, c := range map[string]struct {
		seen seen
		want want
	}{
		"a running Restore holds everything": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{restore(velerov1.RestorePhaseInProgress)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"a running Restore holds a namespace that somebody else deleted": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, restores: []*velerov1.Restore{restore(velerov1.RestorePhaseFinalizing)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"a Restore that Velero has not begun with holds it too": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{restore("")}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"a Restore that is deleted holds it while Velero makes objects for it": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore(velerov1.RestorePhaseInProgress), 0)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"or fills volumes": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore(velerov1.RestorePhaseWaitingForPluginOperations), 0)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"or might begin": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore(""), 0)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"or does what nobody here knows": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore("APhaseOfALaterVersion"), 0)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"it holds nothing once all objects are made, or a server that ends over one of them would end again with each start": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore(velerov1.RestorePhaseFinalizingPartiallyFailed), 0)}},
			want{deleteNamespaces, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx, restore/r"},
		},
		"but a volume that may be somebody else's, whose reclaim policy Velero may still set": {
			seen{
				namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{deleted(restore(velerov1.RestorePhaseFinalizing), 0)},
				planned: planned{leaked: []leak{{run, v1alpha1.Leak{Object: "persistentvolume/pv-1", Reason: "r"}}}},
			},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"then the namespaces go": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{restore(velerov1.RestorePhaseCompleted)}},
			want{deleteNamespaces, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx"},
		},
		"guards stay while a pod runs": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, contents: []string{"Pod sbx/db-0"}},
			want{awaitContents, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx"},
		},
		"and while a volume is there": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, planned: planned{leaving: []string{"pv-1"}}},
			want{awaitContents, "Unknown", v1alpha1.ReasonNamespacesTerminating, "persistentvolume/pv-1"},
		},
		"then finalizers and Restores go": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, restores: []*velerov1.Restore{restore(velerov1.RestorePhaseFailed)}},
			want{release, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx, restore/r"},
		},
		"a Restore without a sandbox goes": {
			seen{restores: []*velerov1.Restore{restore(velerov1.RestorePhaseFailedValidation)}},
			want{release, "Unknown", v1alpha1.ReasonDeletingRestore, "restore/r"},
		},
		"a namespace that does not go is told in the cluster's words": {
			seen{namespaces: []*corev1.Namespace{stuckNamespace}},
			want{release, "Unknown", v1alpha1.ReasonStuck, "foo.example.com in 1 resource instances"},
		},
		"a Restore that does not go is told, and where to look": {
			seen{restores: []*velerov1.Restore{deleted(restore(velerov1.RestorePhaseCompleted), time.Hour)}},
			want{release, "Unknown", v1alpha1.ReasonStuck, "BackupStorageLocation"},
		},
		"a Restore that does not end is told, and nothing goes": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{created(restore(velerov1.RestorePhaseInProgress), time.Hour)}},
			want{awaitRestore, "Unknown", v1alpha1.ReasonStuck, "see whether Velero runs"},
		},
		"a volume that does not go is told, not the namespace": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", time.Hour)}, planned: planned{leaving: []string{"pv-1"}}},
			want{awaitContents, "Unknown", v1alpha1.ReasonStuck, "provisioner of PersistentVolume pv-1"},
		},
		"nothing left is the end": {
			seen{}, want{done, "True", v1alpha1.ReasonNothingLeft, "no namespace, volume or Restore"},
		},
		"a volume that would be lost with its claim is secured before its namespace goes": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", live)}, planned: planned{protect: []volumes.Volume{{Name: "pv"}}}},
			want{secureVolumes, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx"},
		},
		"so it is when somebody else has deleted the namespace": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, contents: []string{"Pod sbx/db-0"}, planned: planned{protect: []volumes.Volume{{Name: "pv"}}}},
			want{secureVolumes, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx"},
		},
		"a volume of ours that would stay is secured after the Restore, which may change its policy again": {
			seen{
				namespaces: []*corev1.Namespace{namespace("sbx", live)}, restores: []*velerov1.Restore{restore(velerov1.RestorePhaseFinalizing)},
				planned: planned{reclaim: []volumes.Volume{{Name: "pv"}}},
			},
			want{awaitRestore, "Unknown", v1alpha1.ReasonDeletingRestore, "Restore r"},
		},
		"snapshot contents go after what is bound to them, and hold the namespace": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", 0)}, snapshots: []*unstructured.Unstructured{content("c", "Retain")}},
			want{deleteSnapshots, "Unknown", v1alpha1.ReasonNamespacesTerminating, "namespace/sbx, volumesnapshotcontent/c"},
		},
		"snapshot contents that do not go are told, not the namespace": {
			seen{namespaces: []*corev1.Namespace{namespace("sbx", time.Hour)}, snapshots: []*unstructured.Unstructured{content("c", "Retain")}},
			want{deleteSnapshots, "Unknown", v1alpha1.ReasonStuck, "VolumeSnapshotContent c does not go"},
		},
		"a leak is named, and does not hold anything": {
			seen{planned: planned{leaked: []leak{{run, v1alpha1.Leak{Object: "persistentvolume/pv-1", Reason: "r"}}}}},
			want{done, "True", v1alpha1.ReasonLeaked, "persistentvolume/pv-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			condition := decide(c.seen, leakedOf(run, c.seen.leaked, nil), now)
			got := want{next(c.seen), condition.Status, condition.Reason, condition.Message}
			if strings.Contains(got.message, c.want.message) {
				got.message = c.want.message
			}
			if got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestKept(t *testing.T) {
	with := func(edit func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
		rt := &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run", StartTime: metav1.NewTime(now.Add(-time.Hour)), Deadline: metav1.NewTime(now)}}}
		edit(rt)
		return rt
	}
	condition := func(kind string) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: "run"}
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "run"}
			rt.Status.Conditions = []metav1.Condition{{Type: kind, Status: metav1.ConditionTrue}}
		}
	}
	for name, c := range map[string]struct {
		rt   *v1alpha1.RestoreTest
		want string
	}{
		"a run that is not reported stays":       {with(func(*v1alpha1.RestoreTest) {}), "run"},
		"a reported run goes":                    {with(condition(v1alpha1.ConditionReported)), ""},
		"a run that is cleaned up goes":          {with(condition(v1alpha1.ConditionCleanedUp)), ""},
		"the run of a deleted test goes":         {with(func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = &metav1.Time{Time: now} }), ""},
		"nothing stays of a test that is gone":   {nil, ""},
		"a test that never ran keeps nothing":    {&v1alpha1.RestoreTest{}, ""},
		"a run without a report goes in the end": {with(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = metav1.NewTime(now.Add(-time.Hour)) }), ""},
		"the report of another run does not count": {with(func(rt *v1alpha1.RestoreTest) {
			condition(v1alpha1.ConditionReported)(rt)
			rt.Status.Report.RunID = "before"
		}), "run"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kept(c.rt, now); got != c.want {
				t.Errorf("kept %q, want %q", got, c.want)
			}
		})
	}
}

func TestOnlySandboxesAreDeleted(t *testing.T) {
	ours := func(edit func(*corev1.Namespace)) *corev1.Namespace {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "sbx",
			Labels: map[string]string{
				v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelTestNamespace: "sbx", v1alpha1.LabelRun: "run", v1alpha1.LabelGroup: "run",
			},
			Annotations: map[string]string{v1alpha1.AnnotationSource: "shop"},
		}}
		edit(ns)
		return ns
	}
	if !sandbox(ours(func(*corev1.Namespace) {})) {
		t.Error("a sandbox is not taken for one")
	}
	for name, edit := range map[string]func(*corev1.Namespace){
		"the labels of a sandbox on another namespace": func(ns *corev1.Namespace) { ns.Name = "billing" },
		"a namespace without a source":                 func(ns *corev1.Namespace) { ns.Annotations = nil },
		"a namespace that is its own source":           func(ns *corev1.Namespace) { ns.Annotations[v1alpha1.AnnotationSource] = "sbx" },
		"a label alone":                                func(ns *corev1.Namespace) { ns.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy} },
	} {
		if sandbox(ours(edit)) {
			t.Errorf("%s would be deleted", name)
		}
	}
}

func TestVolumePauseGrows(t *testing.T) {
	for since, want := range map[time.Duration]time.Duration{0: 2 * time.Second, 40 * time.Second: 10 * time.Second, time.Hour: time.Minute} {
		if got := volumePause(since); got != want {
			t.Errorf("after %v look again in %v, want %v", since, got, want)
		}
	}
}

func TestWhatGoesAlreadyIsNotDecidedAgain(t *testing.T) {
	of := func(id string, ns *corev1.Namespace) *corev1.Namespace {
		ns.Labels = map[string]string{v1alpha1.LabelRun: id}
		return ns
	}
	into := func(id string) *velerov1.Restore {
		r := restore(velerov1.RestorePhaseCompleted)
		r.Labels = map[string]string{v1alpha1.LabelRun: id}
		return r
	}
	for name, c := range map[string]struct {
		seen seen
		want bool
	}{
		"nothing is there":                       {seen{}, false},
		"a sandbox that lives":                   {seen{namespaces: []*corev1.Namespace{of(run, namespace("sbx", live))}}, false},
		"a sandbox that goes":                    {seen{namespaces: []*corev1.Namespace{of(run, namespace("sbx", 0))}}, true},
		"one that goes and one that lives":       {seen{namespaces: []*corev1.Namespace{of(run, namespace("a", 0)), of(run, namespace("b", live))}}, false},
		"with its Restore":                       {seen{namespaces: []*corev1.Namespace{of(run, namespace("sbx", 0))}, restores: []*velerov1.Restore{into(run)}}, true},
		"and the Restore of another run":         {seen{namespaces: []*corev1.Namespace{of(run, namespace("sbx", 0))}, restores: []*velerov1.Restore{into("next")}}, false},
		"a Restore whose sandboxes are all gone": {seen{restores: []*velerov1.Restore{into(run)}}, false},
	} {
		if got := c.seen.going(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
