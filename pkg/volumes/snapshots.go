package volumes

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxStorageWords is how much of what the storage says is told, in bytes.
const maxStorageWords = 512

// trouble returns the VolumeSnapshot of a VolumeSnapshotContent, "namespace/name", and what the storage says is wrong with it; "" if
// nothing.
func trouble(content *unstructured.Unstructured) (snapshot, said string) {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(content.Object, path...)
		return s
	}
	said = strings.Join(strings.Fields(text("status", "error", "message")), " ")
	if len(said) > maxStorageWords {
		said = strings.ToValidUTF8(said[:maxStorageWords-3], "") + "…"
	}
	return text("spec", "volumeSnapshotRef", "namespace") + "/" + text("spec", "volumeSnapshotRef", "name"), said
}
