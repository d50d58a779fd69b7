package mappings

import (
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Observer counts what the mappings of a test did. It is not safe for concurrent use.
type Observer struct {
	restore string
	mapped  mapped
}

// NewObserver returns an Observer of what the Restore of that name brings back.
func NewObserver(restore string, scope *v1alpha1.RestoreScope) *Observer {
	return &Observer{restore: restore, mapped: newMapped(scope)}
}

// Source takes no note of production: mappings change what comes back.
func (*Observer) Source(string, schema.GroupKind, metav1.Object) {}

// Sandbox takes note of a claim or a pod of a sandbox.
func (o *Observer) Sandbox(_ string, _ schema.GroupKind, object metav1.Object) {
	switch object := object.(type) {
	case *corev1.PersistentVolumeClaim:
		o.mapped.claim(object)
	case *corev1.Pod:
		o.mapped.pod(object, object.Labels[velerov1.RestoreNameLabel] == o.restore)
	}
}

// Result tells of each mapping, in the order of the test.
func (o *Observer) Result() []v1alpha1.MappingResult { return o.mapped.results(true) }

// Uncounted tells of each mapping of a test where nobody could look at what it did.
func Uncounted(scope *v1alpha1.RestoreScope) []v1alpha1.MappingResult {
	m := newMapped(scope)
	return m.results(false)
}
