package volumes

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/velero"
)

// trouble returns the VolumeSnapshot of a VolumeSnapshotContent, "namespace/name", and what the storage says is wrong with it; "" if
// nothing.
func trouble(content *unstructured.Unstructured) (snapshot, said string) {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(content.Object, path...)
		return s
	}
	return text("spec", "volumeSnapshotRef", "namespace") + "/" + text("spec", "volumeSnapshotRef", "name"), velero.Words(text("status", "error", "message"))
}
