package backups

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

// Void returns the source namespaces of which a backup holds nothing that a test restores, by the list of what is in it: names
// of "namespace/name" by kind.
func Void(holds map[schema.GroupKind][]string, source v1alpha1.BackupSource) []string {
	var void []string
	for _, ns := range source.Namespaces {
		of := func(kind schema.GroupKind, names []string) bool {
			return scope.Default(kind) && slices.ContainsFunc(names, func(name string) bool {
				namespace, name, namespaced := strings.Cut(name, "/")
				return namespaced && namespace == ns.Name && !scope.Everywhere(kind, name)
			})
		}
		found := false
		for kind, names := range holds {
			found = found || of(kind, names)
		}
		if !found {
			void = append(void, ns.Name)
		}
	}
	return void
}

// Listed tells whether it is known of which namespaces b holds nothing.
func (k Known) Listed(b *velerov1.Backup) bool {
	_, known := k.Void[IDOf(b.Name, b.Status.StartTimestamp)]
	return known
}
