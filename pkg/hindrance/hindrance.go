// Package hindrance tells what to do about pods that a sandbox refused or held up, by the words about them. It is pure: no client, no clock.
package hindrance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/bounds"
)

// Words of ours about what kept a pod from running in a sandbox, by which Remedy knows it again. All else are words of Kubernetes.
const (
	// WaitsForGate is of a pod whose containers are ready; the gates follow.
	WaitsForGate = "its containers are ready and it waits for readiness gate "
	// ReachesNothing is of a pod that dials others to become ready.
	ReachesNothing = "networkIsolation strict lets it reach nothing"
	// NoRoom is of a pod that the scheduler finds no node for beside production.
	NoRoom = "no node takes it beside production"
	// NoNodeNow is of a pod that nodes would take that take none at the moment.
	NoNodeNow = "no node takes it for now"
	// LeftOut is of a pod that lacks what the test itself does not restore, or may not; the fields follow by which.
	LeftOut = "left out by the test"
	// MadeRoom is of a pod that was evicted.
	MadeRoom = "had to make room"
	// NodeSilent is of a pod of whose node the cluster has lost sight.
	NodeSilent = "its node does not answer"
	// WantOfMemory is of a container that was killed for a limit that production does not set, which follows.
	WantOfMemory = "was killed for want of memory: it has no limit of its own, and the sandbox lets it take "
	// HasClass is what the fence says of claims that would take a volume made by hand.
	HasClass = "a claim of a sandbox has a storage class"
)

// remedies say what to do about an entry, by a part of its words. The first that fits counts.
var remedies = []struct{ words, remedy string }{
	{WaitsForGate, "what opens a readiness gate is not in a sandbox; the containers of those pods are ready"},
	{ReachesNothing, "set sandbox.networkIsolation: group, and restored pods reach each other by the names of production"},
	{WantOfMemory, "set the limit that it needs on the container, or raise sandbox.resourceQuota.memory, and the controller's flag --" + bounds.FlagMemory + " where it allows no more"},
	{LeftOut, "have the test restore what those pods need, by the field that is named (of labels those in the backup count), or leave the pods out as well"},
	{NodeSilent, "run again when that node answers, or is no node of the cluster any more"},
	{MadeRoom, "copies come last: production, or a node that is drained or out of memory, took their place; run again when there is room"},
	{NoRoom, "the copy runs beside production: give the cluster nodes with room for it, or let the rule prefer instead of require"},
	{NoNodeNow, "nodes are cordoned, not ready, under pressure or tainted (kubectl describe nodes): run again when they take pods"},
	{`violates PodSecurity "restricted`, "set sandbox.podSecurity to baseline, if that is what the pods need"},
	{HasClass, "give the cluster a default storage class"},
	{"kymaros fence", "what would reach production cannot be tested"},
	{"violates PodSecurity", "sandbox.podSecurity cannot be lowered below baseline: such pods cannot be tested"},
	{"storageclass.storage.k8s.io", "a volume of that storage class that was made by hand waits for a claim: bind or delete it"},
	{"kymaros-priority", "pods that name a PriorityClass, or get the default one of the cluster, could displace production: only those that Velero restores run, for they get another class; with manifests/newborn others do too"},
	{"requests.cpu", raise("cpu", bounds.FlagCPU)},
	{"requests.memory", raise("memory", bounds.FlagMemory)},
	{"requests.storage", raise("storage", bounds.FlagStorage)},
	{"quota", "raise sandbox.resourceQuota"},
	{"", "raise sandbox.resourceQuota, and the controller's flag --max-sandbox-cpu or --max-sandbox-memory where it allows no more, or remove the LimitRange that something else puts into sandboxes"},
}

func raise(resource, flag string) string {
	return fmt.Sprintf("raise sandbox.resourceQuota.%s, and the controller's flag --%s where it allows no more", resource, flag)
}

// Remedy returns what to do about an entry of status.health.blocked, or about another text of why a pod did not run.
func Remedy(entry string) string {
	i := slices.IndexFunc(remedies, func(r struct{ words, remedy string }) bool { return strings.Contains(entry, r.words) })
	return remedies[i].remedy // the last has no words, which fits any
}

// Remedies returns what to do about entries, each remedy once.
func Remedies(entries []string) string {
	all := make([]string, 0, len(entries))
	for _, e := range entries {
		all = append(all, Remedy(e))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "; ")
}
