package backups

import (
	"path"
	"slices"
	"strings"
)

// remade are restored and not missed: owners make theirs anew, suspended CronJobs do nothing, and snapshots follow their claims
// into a backup whatever its filters say. Many a nightly backup leaves pods and ReplicaSets out.
var remade = []string{
	"pods", "replicasets.apps", "controllerrevisions.apps", "cronjobs.batch",
	"volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io",
}

// aliases are the other names by which a Backup may list a resource. Velero takes whatever kubectl takes.
var aliases = map[string][]string{
	"replicasets":            {"replicaset", "rs"},
	"cronjobs":               {"cronjob", "cj"},
	"pods":                   {"pod", "po"},
	"deployments":            {"deployment", "deploy"},
	"statefulsets":           {"statefulset", "sts"},
	"services":               {"service", "svc"},
	"configmaps":             {"configmap", "cm"},
	"secrets":                {"secret"},
	"serviceaccounts":        {"serviceaccount", "sa"},
	"persistentvolumeclaims": {"persistentvolumeclaim", "pvc"},
}

// lists tells whether one of items, of a list of resources in a Backup, means resource, which is a plural with its group.
func lists(items []string, resource string) bool {
	plural, group, _ := strings.Cut(resource, ".")
	return slices.ContainsFunc(items, func(item string) bool {
		item = strings.ToLower(item)
		if ok, err := path.Match(item, resource); err == nil && ok {
			return true
		}
		name, of, _ := strings.Cut(item, ".")
		return (name == plural || name+"s" == plural || slices.Contains(aliases[plural], name)) && strings.HasPrefix(group, of)
	})
}
