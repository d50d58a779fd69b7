package sandbox

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func test(edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Status: v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run", StartTime: metav1.Now(), Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db", SandboxName: "my-db"}}},
			Sandbox:      v1alpha1.SandboxSpec{NamespacePrefix: "rp-test"},
		}}},
	}
	rt.Spec = *rt.Status.Run.Spec.DeepCopy()
	for _, e := range edits {
		e(rt)
	}
	return rt
}

func group(rt *v1alpha1.RestoreTest) {
	rt.Status.Run.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
}

var box = v1alpha1.SandboxNamespace{Source: "shop", Name: "sbx"}

func TestPlannedUsesTheGivenSandboxName(t *testing.T) {
	got := planned(test())
	if len(got) != 2 || got[0].Source != "shop" || got[0].Name == "" || got[1] != (v1alpha1.SandboxNamespace{Source: "db", Name: "my-db"}) {
		t.Errorf("planned %v", got)
	}
}
