package restore

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func runBegan(rt *v1alpha1.RestoreTest) { rt.Status.Run.StartTime = metav1.NewTime(now) }

var claim = &corev1.PersistentVolumeClaim{
	ObjectMeta: metav1.ObjectMeta{Namespace: "sbx-db", Name: "data", UID: "u"},
	Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv"}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
}

// volume returns the volume of claim, so much older than the run.
func volume(age time.Duration) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv", CreationTimestamp: metav1.NewTime(now.Add(-age))},
		Spec:       corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{Namespace: "sbx-db", Name: "data", UID: "u"}},
	}
}

func TestProductionIsFoundBehindAClaim(t *testing.T) {
	found := []string{"claim sbx-db/data has PersistentVolume pv: it was there before the run began"}
	for name, c := range map[string]struct {
		objects  []runtime.Object
		behind   bool // the API server's cache shows no volume yet
		want     []string
		versions []string // of the lists of volumes
	}{
		"no claims, no look at volumes":         {[]runtime.Object{volume(time.Hour)}, false, nil, nil},
		"a volume of the run":                   {[]runtime.Object{claim, volume(-time.Minute)}, false, nil, []string{"0"}},
		"a volume that was there before":        {[]runtime.Object{claim, volume(time.Hour)}, false, found, []string{"0"}},
		"one that the cache does not show yet":  {[]runtime.Object{claim, volume(time.Hour)}, true, found, []string{"0", ""}},
		"a volume that has vanished, by chance": {[]runtime.Object{claim}, false, nil, []string{"0", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			kube := kubefake.NewClientset(c.objects...)
			var versions []string
			kube.PrependReactor("list", "persistentvolumes", func(a clienttesting.Action) (bool, runtime.Object, error) {
				version := a.(clienttesting.ListActionImpl).ListOptions.ResourceVersion
				versions = append(versions, version)
				return c.behind && version == "0", &corev1.PersistentVolumeList{}, nil
			})
			got, err := inProduction(t, &Controller{kube: kube}, restoreIn(velerov1.RestorePhaseCompleted))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.versions, versions); diff != "" {
				t.Errorf("lists of volumes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVolumesAreLookedAtWhileVeleroRestores(t *testing.T) {
	kube := kubefake.NewClientset()
	lists := 0
	kube.PrependReactor("list", "persistentvolumes", func(clienttesting.Action) (bool, runtime.Object, error) {
		lists++
		return false, nil, nil
	})
	c := &Controller{kube: kube, judged: map[string]sets.Set[string]{}}
	look := func(phase velerov1.RestorePhase, want int) []string {
		t.Helper()
		lists = 0
		found, err := inProduction(t, c, restoreIn(phase))
		if err != nil || lists != want {
			t.Errorf("in phase %s: volumes listed %d times, want %d; %v", phase, lists, want, err)
		}
		return found
	}
	look(velerov1.RestorePhaseInProgress, 0)
	if err := kube.Tracker().Add(claim); err != nil {
		t.Fatal(err)
	}
	if err := kube.Tracker().Add(volume(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if found := look(velerov1.RestorePhaseInProgress, 1); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	look(velerov1.RestorePhaseInProgress, 0) // nothing new is bound
	look(velerov1.RestorePhaseFailed, 1)
	if len(c.judged) > 0 {
		t.Errorf("what was judged is remembered for ever: %v", c.judged)
	}
}

func inProduction(t *testing.T, c *Controller, r *velerov1.Restore) ([]string, error) {
	t.Helper()
	claims, err := c.claims(t.Context(), test(runBegan))
	if err != nil {
		return nil, err
	}
	return c.production(t.Context(), test(runBegan), r, claims)
}
