package volumes

import storagev1 "k8s.io/api/storage/v1"

// DefaultClass tells whether the API server gives class to claims that ask for none.
func DefaultClass(class *storagev1.StorageClass) bool {
	for _, key := range []string{"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"} {
		if class.Annotations[key] == "true" {
			return true
		}
	}
	return false
}
