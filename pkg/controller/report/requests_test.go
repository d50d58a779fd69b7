package report

import (
	"fmt"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// over makes the run one over n namespaces: shop, and others in which there is nothing.
func over(n int) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		for i := 1; i < n; i++ {
			source, box := fmt.Sprintf("src-%d", i), fmt.Sprintf("sbx-%d", i)
			rt.Status.Run.Spec.BackupSource.Namespaces = append(rt.Status.Run.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: source})
			rt.Status.Sandbox.Namespaces = append(rt.Status.Sandbox.Namespaces, v1alpha1.SandboxNamespace{Source: source, Name: box})
		}
	}
}

// lookRequests returns the lists and the gets of one look; it has the test fail if a kind of a namespace is listed twice.
func lookRequests(t *testing.T, f *fixture) (lists, gets int) {
	t.Helper()
	listed := map[string]int{}
	for _, fake := range []*clienttesting.Fake{&f.kube.Fake, &f.metadata.Fake, &f.client.Fake, &f.dynamic.Fake} {
		for _, a := range fake.Actions() {
			switch resource := a.GetResource(); {
			case resource.Group == v1alpha1.GroupVersion.Group: // not of the look: tests and reports
			case a.GetVerb() == "list":
				lists++
				listed[a.GetNamespace()+"/"+resource.GroupResource().String()]++
			case a.GetVerb() == "get":
				gets++
			default:
				t.Errorf("a look asks for %s %s", a.GetVerb(), resource.Resource)
			}
		}
	}
	for what, n := range listed {
		if n > 1 {
			t.Errorf("%s was listed %d times", what, n)
		}
	}
	return lists, gets
}

func TestALookListsEachKindOfEachNamespaceOnce(t *testing.T) {
	for name, c := range map[string]struct {
		namespaces  int
		change      func(*testing.T, *fixture)
		lists, gets int
	}{
		"one namespace":    {namespaces: 1, lists: 22, gets: 2},
		"three namespaces": {namespaces: 3, lists: 60, gets: 6},
		"one that does not exist here": {namespaces: 1, lists: 14, gets: 2, change: func(t *testing.T, f *fixture) {
			if err := f.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("namespaces"), "", "shop"); err != nil {
				t.Fatal(err)
			}
		}},
		"volumes that nothing was written into, of a Velero without a data mover": {namespaces: 1, lists: 23, gets: 2, change: func(t *testing.T, f *fixture) {
			if err := f.client.Tracker().Delete(velerov1.SchemeGroupVersion.WithResource("podvolumerestores"), velero, "pvr"); err != nil {
				t.Fatal(err)
			}
			for _, resource := range []string{"datadownloads", "datauploads"} {
				f.client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: resource}, "")
				})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test(over(c.namespaces)))
			for i := 1; i < c.namespaces; i++ {
				for _, ns := range []*corev1.Namespace{
					{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("src-%d", i)}},
					{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("sbx-%d", i), Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: runID}}},
				} {
					if err := f.kube.Tracker().Add(ns); err != nil {
						t.Fatal(err)
					}
				}
			}
			if c.change != nil {
				c.change(t, f)
			}
			f.mustSync(t)
			lists, gets := lookRequests(t, f)
			t.Logf("%d lists, %d gets", lists, gets)
			equal(t, "lists", lists, c.lists)
			equal(t, "gets", gets, c.gets)
		})
	}
}
