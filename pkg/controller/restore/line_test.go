package restore

import (
	"errors"
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
)

// turn returns a test that had its turn so long after now.
func turn(name string, after time.Duration, edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	return test(append(edits, func(rt *v1alpha1.RestoreTest) {
		rt.Name, rt.Status.Run.StartTime = name, metav1.NewTime(now.Add(after))
	})...)
}

func TestWhoHadItsTurnFirstRestoresFirst(t *testing.T) {
	ours := restoreIn(velerov1.RestorePhaseInProgress, func(r *velerov1.Restore) {
		r.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}
	})
	for name, c := range map[string]struct {
		first *v1alpha1.RestoreTest
		limit int
		all   []*velerov1.Restore
		want  string
	}{
		"the one before has no Restore yet":         {turn("first", 0), 1, nil, "team/first"},
		"the one before has its Restore":            {turn("first", 0, createdBefore), 1, nil, ""},
		"there is room for both":                    {turn("first", 0), 2, nil, ""},
		"there is room for one beside what is done": {turn("first", 0), 2, []*velerov1.Restore{ours}, "team/first"},
		"the other came later":                      {turn("first", time.Hour), 1, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			factory := externalversions.NewSharedInformerFactory(fake.NewClientset(), 0)
			informer := factory.Restore().V1alpha1().RestoreTests().Informer()
			inLine, err := controller.NewLine(informer)
			second := turn("second", time.Minute)
			if err := errors.Join(err, informer.GetIndexer().Add(c.first), informer.GetIndexer().Add(second)); err != nil {
				t.Fatal(err)
			}
			if got := (&Controller{line: inLine, options: Options{MaxRestores: c.limit}}).before(second, c.all); got != c.want {
				t.Errorf("before it goes %q, want %q", got, c.want)
			}
		})
	}
}

func TestForWhomARestoreMakesWay(t *testing.T) {
	labelled := func(name string, phase velerov1.RestorePhase, labels map[string]string) *velerov1.Restore {
		return restoreIn(phase, func(r *velerov1.Restore) { r.Namespace, r.Name, r.Labels = "velero", name, labels })
	}
	own := labelled("own", velerov1.RestorePhaseInProgress, map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	restores := cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
	for _, r := range []*velerov1.Restore{
		own, labelled("emergency", velerov1.RestorePhaseNew, nil), labelled("done", velerov1.RestorePhaseCompleted, nil),
		labelled("another", velerov1.RestorePhaseInProgress, own.Labels),
	} {
		if err := restores.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		yield bool
		phase velerov1.RestorePhase
		want  []string
	}{
		"for those of others that are not over": {true, velerov1.RestorePhaseInProgress, []string{"emergency"}},
		"for none when it is over itself":       {true, velerov1.RestorePhaseCompleted, nil},
		"for none where nobody wants it":        {false, velerov1.RestorePhaseInProgress, nil},
	} {
		controller := &Controller{restores: velerolisters.NewRestoreLister(restores).Restores("velero"), options: Options{MaxRestores: 1, Yield: c.yield}}
		got, err := controller.foreign(labelled("own", c.phase, own.Labels))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
