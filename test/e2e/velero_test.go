package e2e

import (
	"context"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// scale starts or stops Velero.
func scale(t *testing.T, replicas int) {
	t.Helper()
	if err := cluster.Scale(context.WithoutCancel(t.Context()), stage.VeleroNamespace, "velero", replicas); err != nil {
		t.Fatal(err)
	}
}

// foreignRestore creates a Restore as somebody else would, into a namespace that is deleted when t ends.
func foreignRestore(t *testing.T) (name string) {
	t.Helper()
	name = cluster.Name("foreign")
	restores := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace)
	_, err := restores.Create(t.Context(), &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Namespace: stage.VeleroNamespace, Name: name},
		Spec: velerov1.RestoreSpec{
			BackupName: appsBackup, IncludedNamespaces: []string{storeDB}, NamespaceMapping: map[string]string{storeDB: name},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := ignoreNotFound(restores.Delete(ctx, name, metav1.DeleteOptions{})); err != nil {
			t.Error(err)
		}
		if err := cluster.DeleteNamespaces(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return name
}
