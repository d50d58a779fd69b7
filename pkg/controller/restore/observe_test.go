package restore

import (
	"errors"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
)

// TestThatVelerosPodsCannotBeListedKeepsNoVerdict from a run without a backup, and holds up one that has one.
func TestThatVelerosPodsCannotBeListedKeepsNoVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		backups []*velerov1.Backup
		missing bool
	}{
		"without a backup": {nil, true},
		"with one":         {[]*velerov1.Backup{backup("nightly", velerov1.BackupPhaseCompleted, time.Hour, in("good"))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
			for _, b := range c.backups {
				b.Namespace = "velero"
				if err := all.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.BackupSource = v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}, AllowOlderThanNamespace: true}
			})
			broken := errors.New("the API server is busy")
			kube := fake.NewClientset()
			kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, broken })
			tests := externalversions.NewSharedInformerFactory(kymarosfake.NewClientset(), 0).Restore().V1alpha1().RestoreTests().Informer()
			inLine, err := controller.NewLine(tests)
			if err != nil {
				t.Fatal(err)
			}
			r := &Controller{
				options: Options{VeleroNamespace: "velero", MaxRestores: 1, Lists: unlisted()}, kube: kube,
				client: kymarosfake.NewClientset(location("good", velerov1.BackupStorageLocationPhaseAvailable, "")),
				line:   inLine, backups: velerolisters.NewBackupLister(all).Backups("velero"),
				restores: velerolisters.NewRestoreLister(cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)).Restores("velero"),
			}
			for _, b := range c.backups {
				<-r.options.Lists.Ask(t.Context(), rt, b.Name, b, func() {}).Ready()
			}
			s, err := r.observe(t.Context(), rt)
			if (s.missing != nil) != c.missing || (err == nil) != c.missing || err != nil && !errors.Is(err, broken) {
				t.Errorf("missing: %v, error: %v", s.missing, err)
			}
		})
	}
}
