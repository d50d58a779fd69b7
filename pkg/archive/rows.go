package archive

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// row is what the cache keeps of a report: there may be tens of thousands.
type row struct {
	namespace, name, version string
	// test is empty for a report without a verdict or without a number, which is none of a chain.
	test      string
	cluster   string
	sequence  int64
	completed time.Time
	// clean: cleanup has written its part.
	clean bool
}

// GetObjectMeta makes rows objects for caches.
func (r *row) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: r.namespace, Name: r.name, ResourceVersion: r.version}
}

func (r *row) key() cache.ObjectName { return cache.NewObjectName(r.namespace, r.name) }

// Row is the transform of the informer of reports.
func Row(obj any) (any, error) {
	switch o := obj.(type) {
	case *v1alpha1.RestoreReport:
		r := &row{namespace: o.Namespace, name: o.Name, version: o.ResourceVersion, clean: o.Hygiene != nil}
		if s := o.Status; s != nil && s.Evidence != nil && s.Evidence.Sequence > 0 {
			r.test, r.cluster, r.sequence, r.completed = o.Spec.TestRef, string(s.Evidence.Cluster.UID), s.Evidence.Sequence, s.CompletedAt.Time
		}
		return r, nil
	case *row:
		return o, nil
	}
	return nil, fmt.Errorf("no row is made of a %T", obj)
}

// byTest is the index of rows by namespace and test.
const byTest = "test"

func testsOf(obj any) ([]string, error) {
	if r, ok := obj.(*row); ok && r.test != "" {
		return []string{r.namespace + "/" + r.test}, nil
	}
	return nil, nil
}
