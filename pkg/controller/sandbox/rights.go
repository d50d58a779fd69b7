package sandbox

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// named tells whether the test has chosen the name of a sandbox. Those that we generate end with six characters that nobody
// knows beforehand, so no binding mentions them.
func named(source v1alpha1.SourceNamespace) bool { return source.SandboxName != "" }

// entitled returns why a binding with these subjects keeps a sandbox from being made, or nil. Bindings outlive the namespaces
// that they mention: ServiceAccounts that come back in one of the same name would have its rights, and pods come back with
// tokens. What is bound to all ServiceAccounts of the cluster is no matter of names.
func entitled(sources []v1alpha1.SourceNamespace, binding string, subjects []rbacv1.Subject) *verdict {
	for i, source := range sources {
		name := source.SandboxName
		if !named(source) || !slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return isOf(s, name) }) {
			continue
		}
		return &verdict{v1alpha1.ReasonRejected, fmt.Sprintf(
			"%s gives rights to ServiceAccounts of a namespace %q, and what is restored into it would have them; delete the binding, or choose another spec.backupSource.namespaces[%d].sandboxName",
			binding, name, i)}
	}
	return nil
}

// isOf tells whether a subject is a ServiceAccount of a namespace, or all of them.
func isOf(s rbacv1.Subject, namespace string) bool {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return s.Namespace == namespace
	case rbacv1.GroupKind:
		return s.Name == "system:serviceaccounts:"+namespace
	case rbacv1.UserKind:
		return strings.HasPrefix(s.Name, "system:serviceaccount:"+namespace+":")
	}
	return false
}
