package restore

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/scope"
)

func location(name string, phase velerov1.BackupStorageLocationPhase, message string) *velerov1.BackupStorageLocation {
	return &velerov1.BackupStorageLocation{
		ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: name},
		Status:     velerov1.BackupStorageLocationStatus{Phase: phase, Message: message},
	}
}

func read(l *velerov1.BackupStorageLocation) *velerov1.BackupStorageLocation {
	l.Status.LastSyncedTime = &metav1.Time{Time: now}
	return l
}

func in(location string) func(*velerov1.Backup) {
	return func(b *velerov1.Backup) { b.Spec.StorageLocation = location }
}

func ruledBy(configMap string) func(*velerov1.Backup) {
	return func(b *velerov1.Backup) {
		b.Spec.ResourcePolicy = &corev1.TypedLocalObjectReference{Kind: "configmap", Name: configMap}
	}
}

func TestOnlyThatIsLookedUpOnWhichTheChoiceRests(t *testing.T) {
	const completed = velerov1.BackupPhaseCompleted
	rules := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "no-secrets"},
		Data:       map[string]string{"policy": "includeExcludePolicy: {excludedNamespaceScopedResources: [secrets]}"},
	}
	for name, c := range map[string]struct {
		backups []*velerov1.Backup
		chosen  string
		missing string
		asked   []string
		// location is the one that the test names.
		location string
		// leavesOut is said of the one that was chosen.
		leavesOut string
	}{
		"the location of the newest, and no other": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("good")), backup("old", completed, 2*time.Hour, in("down"))},
			chosen:  "new", asked: []string{"backupstoragelocations/good"},
		},
		"the next, where the newest is out of reach": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("down")), backup("newer", completed, time.Minute, in("down")), backup("old", completed, 2*time.Hour, in("good"))},
			chosen:  "old", asked: []string{"backupstoragelocations/down", "backupstoragelocations/good"},
		},
		"one whose location is gone":                            {backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("gone"))}, missing: "which does not exist", asked: []string{"backupstoragelocations/gone"}},
		"one whose location was not looked at yet":              {backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("fresh"))}, missing: "which Velero has not validated yet", asked: []string{"backupstoragelocations/fresh"}},
		"one whose location is out of reach, and why":           {backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("down"))}, missing: "which is Unavailable: no such bucket", asked: []string{"backupstoragelocations/down"}},
		"none at all, though Velero has not read all locations": {missing: "there is no Backup in namespace velero yet", asked: []string{"backupstoragelocations"}},
		"none in the location that the test names, which Velero has not read": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("good"))}, location: "down",
			missing: "but Velero has not read BackupStorageLocation down (Unavailable: no such bucket) yet", asked: []string{"backupstoragelocations"},
		},
		"its resource policy": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("good"), ruledBy("no-secrets")), backup("old", completed, 2*time.Hour, in("good"))},
			chosen:  "old", asked: []string{"backupstoragelocations/good", "configmaps/no-secrets"},
		},
		"a resource policy that is gone": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("good"), ruledBy("gone")), backup("old", completed, 2*time.Hour, in("good"))},
			chosen:  "new", asked: []string{"backupstoragelocations/good", "configmaps/gone"},
		},
		"a resource policy that it may not read": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, in("good"), ruledBy("closed"))},
			chosen:  "new", asked: []string{"backupstoragelocations/good", "configmaps/closed"}, leavesOut: "ConfigMap closed of its spec.resourcePolicy is not for kymaros-controller to read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for _, b := range c.backups {
				b.Namespace = "velero"
				if err := indexer.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			kube := fake.NewClientset([]runtime.Object{rules}...)
			kube.PrependReactor("get", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
				name := a.(clienttesting.GetAction).GetName()
				return name == "closed", nil, apierrors.NewForbidden(corev1.Resource("configmaps"), name, nil)
			})
			client := kymarosfake.NewClientset(read(location("good", velerov1.BackupStorageLocationPhaseAvailable, "")),
				location("down", velerov1.BackupStorageLocationPhaseUnavailable, "no such\n bucket"), location("fresh", "", ""))
			controller := &Controller{
				options: Options{VeleroNamespace: "velero", Lists: unlisted()}, kube: kube, client: client,
				backups: velerolisters.NewBackupLister(indexer).Backups("velero"),
			}
			resources, err := scope.Resources(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := seen{resources: resources}
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.BackupSource = v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}, AllowOlderThanNamespace: true, StorageLocation: c.location}
			})
			if err := controller.listed(t, rt, &s); err != nil {
				t.Fatal(err)
			}
			switch {
			case c.missing != "" && (s.missing == nil || !strings.Contains(s.missing.Error(), c.missing)):
				t.Errorf("missing %v, want %q", s.missing, c.missing)
			case c.missing == "" && (s.missing != nil || s.backup.Name != c.chosen):
				t.Errorf("chosen %v, missing %v, want %s", s.backup, s.missing, c.chosen)
			}
			if c.leavesOut != "" && (s.choice == nil || !strings.Contains(strings.Join(s.choice.LeavesOut, "; "), c.leavesOut)) {
				t.Errorf("%+v does not leave out %q", s.choice, c.leavesOut)
			}
			var asked []string
			for _, a := range append(client.Actions(), kube.Actions()...) {
				what := a.GetResource().Resource
				if one, ok := a.(clienttesting.GetAction); ok {
					what += "/" + one.GetName()
				}
				asked = append(asked, what)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABackupOutOfReachSaysNothingAboutTheBackup(t *testing.T) {
	p := decide(test(), seen{missing: backups.LocationError("backup nightly is in BackupStorageLocation primary, which is Unavailable")}, now)
	if p.create || p.condition.Status != metav1.ConditionFalse || p.condition.Reason != v1alpha1.ReasonBackupLocationUnavailable || !strings.Contains(p.condition.Message, "primary") {
		t.Errorf("condition %+v, create %t", p.condition, p.create)
	}
}

// What was seen at the choice is said until the run ends, also after a restart right behind the creation of the Restore.
func TestWhatTheBackupLacksIsSaidToTheEnd(t *testing.T) {
	newer := []string{"night-1: Failed, begun then: full", "night-2: Failed, begun then: full", "night-3: Failed, begun then: full", "night-4: Failed, begun then: full"}
	for name, c := range map[string]struct {
		choice  v1alpha1.BackupChoice
		selects v1alpha1.BackupSelection
		phase   velerov1.BackupPhase
		max     v1alpha1.Duration
		said    []string
		notSaid []string
	}{
		"nothing of a good one": {choice: v1alpha1.BackupChoice{Age: "2h0m0s"}, max: "26h", notSaid: []string{";"}},
		"what its filters leave out, and what to do": {
			choice: v1alpha1.BackupChoice{LeavesOut: []string{"secrets (spec.excludedResources)"}},
			said:   []string{"backup nightly leaves out secrets (spec.excludedResources)", "name another one"},
		},
		"the first few newer ones, and how many more": {
			choice: v1alpha1.BackupChoice{NewerBackups: newer, NewerCount: 24, NewerFailed: 24},
			said:   []string{"newer backups were not used: night-1: Failed, begun then: full; night-2", "; and 21 more"}, notSaid: []string{"night-4"},
		},
		"that it is too old": {
			choice: v1alpha1.BackupChoice{Age: "600h0m0s"}, max: "26h", said: []string{"backup nightly was 600h0m0s old", "spec.backupSource.maxBackupAge is 26h0m0s"},
		},
		"that its age is not known": {max: "26h", said: []string{"the age of backup nightly is not known"}},
		"no age that nobody bounds": {choice: v1alpha1.BackupChoice{Age: "600h0m0s"}, notSaid: []string{"600h"}},
		"that more was verified than is kept": {
			choice: v1alpha1.BackupChoice{Candidates: 11}, selects: v1alpha1.SelectOldestUnverified, said: []string{"11 backups to choose from", "spec.historyLimit keeps 10", "spec.backupSource.maxAge"},
		},
		"nothing of what is kept, if that suffices":    {choice: v1alpha1.BackupChoice{Candidates: 10}, selects: v1alpha1.SelectOldestUnverified, notSaid: []string{"historyLimit"}},
		"nothing of what is kept, if it makes no odds": {choice: v1alpha1.BackupChoice{Candidates: 11}, selects: v1alpha1.SelectRandom, notSaid: []string{"historyLimit"}},
		"that it is partial":                           {phase: velerov1.BackupPhasePartiallyFailed, said: []string{"backup nightly is PartiallyFailed"}},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.BackupSource.MaxBackupAge, rt.Status.Run.Spec.BackupSource.Selection = c.max, c.selects
			})
			b := backup("nightly", velerov1.BackupPhaseCompleted, time.Hour)
			if c.phase != "" {
				b.Status.Phase = c.phase
			}
			begun := decide(rt, seen{backup: b, choice: &c.choice}, now)
			restore := build(rt, begun.status, scoped{}, "velero", now)
			restore.Status.Phase = velerov1.RestorePhaseCompleted
			ended := decide(rt, seen{restore: restore}, now)
			if diff := cmp.Diff(&c.choice, ended.status.BackupChoice); diff != "" {
				t.Errorf("after a restart the choice is another (-want +got):\n%s", diff)
			}
			for _, message := range []string{begun.condition.Message, ended.condition.Message} {
				for _, part := range c.said {
					if !strings.Contains(message, part) {
						t.Errorf("%q is not in %q", part, message)
					}
				}
				for _, part := range c.notSaid {
					if strings.Contains(message, part) {
						t.Errorf("%q is in %q", part, message)
					}
				}
			}
		})
	}
}
