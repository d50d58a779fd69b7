package restore

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestProductionIsFoundBehindAClaim(t *testing.T) {
	began := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.StartTime = metav1.NewTime(now) }
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "sbx-db", Name: "data", UID: "u"},
		Spec:       corev1.PersistentVolumeClaimSpec{VolumeName: "pv"}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	volume := func(age time.Duration) *corev1.PersistentVolume {
		return &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{Name: "pv", CreationTimestamp: metav1.NewTime(now.Add(-age))},
			Spec:       corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{Namespace: "sbx-db", Name: "data", UID: "u"}},
		}
	}
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
			got, err := (&Controller{kube: kube}).production(t.Context(), test(began))
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
