package guards

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Bindings returns what lets those look into a sandbox who may, once it is attested: the checks and the report, who restores, and where
// sandboxes have names, who answers them. system is the namespace of their ServiceAccounts. The roles are those of
// manifests/11-sandbox-roles.yaml.
func Bindings(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, system string) []*rbacv1.RoleBinding {
	all := []*rbacv1.RoleBinding{
		binding(rt, sandbox, system, "kymaros-sandbox-prober", "kymaros-prober"),
		binding(rt, sandbox, system, "kymaros-sandbox-restorer", "kymaros-controller"),
	}
	if rt.Status.Run.Spec.Sandbox.NetworkIsolation == v1alpha1.IsolationGroup {
		all = append(all, binding(rt, sandbox, system, "kymaros-sandbox-dns", "kymaros-dns"))
	}
	return all
}

// binding is called as its role is.
func binding(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, system, role, account string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: Meta(rt, sandbox, role),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: account}},
	}
}
