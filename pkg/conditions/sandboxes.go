package conditions

import "github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"

// DeletedSandbox returns the name of a sandbox that somebody deleted during rt's run; "": nobody did.
func DeletedSandbox(rt *v1alpha1.RestoreTest) string {
	if rt.Status.Sandbox == nil || rt.Status.Run == nil || rt.Status.Sandbox.RunID != rt.Status.Run.ID {
		return ""
	}
	for _, ns := range rt.Status.Sandbox.Namespaces {
		if ns.Deleted {
			return ns.Name
		}
	}
	return ""
}
