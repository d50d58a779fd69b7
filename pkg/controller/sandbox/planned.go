package sandbox

import (
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// planned returns the sandboxes of rt's run, in the order of its sources, with the quotas that were found for them.
func planned(rt *v1alpha1.RestoreTest) []v1alpha1.SandboxNamespace {
	run := rt.Status.Run
	known := map[string]v1alpha1.SandboxNamespace{}
	if own := rt.Status.Sandbox; own != nil && own.RunID == run.ID {
		for _, sandbox := range own.Namespaces {
			known[sandbox.Source] = sandbox
		}
	}
	var all []v1alpha1.SandboxNamespace
	for _, source := range run.Spec.BackupSource.Namespaces {
		name := source.SandboxName
		if name == "" {
			name = names.Sandbox(run.Spec.Sandbox.NamespacePrefix, rt.Name, run.ID, source.Name)
		}
		was := known[source.Name]
		all = append(all, v1alpha1.SandboxNamespace{Source: source.Name, Name: name, UID: was.UID, Quota: was.Quota, Limits: was.Limits, Deleted: was.Deleted})
	}
	return all
}

// dropped returns the sources of rt's run that its spec has ceased to name since.
func dropped(rt *v1alpha1.RestoreTest) []string {
	var all []string
	for _, source := range rt.Status.Run.Spec.BackupSource.Namespaces {
		if !slices.ContainsFunc(rt.Spec.BackupSource.Namespaces, func(n v1alpha1.SourceNamespace) bool { return n.Name == source.Name }) {
			all = append(all, source.Name)
		}
	}
	return all
}
