package backups

import (
	"fmt"
	"path"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
)

// holding is what the filters of a backup leave of what a test wants.
type holding struct {
	// partly: of the objects only those that carry some label, or have some name.
	partly bool
	// kinds is how many are left out.
	kinds int
	// dataless: no data of volumes but of those whose pods ask for it.
	dataless bool
	// void are the source namespaces of which it holds nothing, whatever its filters say.
	void []string
	// leavesOut says all that for people.
	leavesOut []string
	// nothing says why it is of no use at all, if so.
	nothing string
}

// filtered tells whether anything is left out.
func (h holding) filtered() bool { return h.partly || h.kinds > 0 || h.dataless }

// held returns what b's filters leave of what is wanted.
func held(b *velerov1.Backup, want Wanted, policy Policy) holding {
	var h holding
	for i, ns := range want.Source.Namespaces {
		if !Selects(b, ns.Name) {
			h.nothing = fmt.Sprintf("does not hold namespace %q (spec.backupSource.namespaces[%d]); it includes %s", ns.Name, i, namespacesOf(b))
			return h
		}
	}
	selectors, named := selectorsOf(&b.Spec)
	switch shareOf(selectors, want.Source.LabelSelector) {
	case none:
		h.nothing = fmt.Sprintf("selects by %s nothing of what spec.backupSource.labelSelector selects; correct that, or name another backup", named)
		return h
	case some:
		h.partly = true
		h.leavesOut = append(h.leavesOut, "what "+named+" does not select")
	case all:
	}
	left, chosen := map[string][]string{}, map[string][]string{}
	void := len(want.Resources) > 0
	for _, resource := range want.Resources {
		share, by := takes(b, policy, resource, want)
		void = void && share == none
		switch {
		case slices.Contains(remade, resource):
		case share == none:
			left[by] = append(left[by], resource)
			h.kinds++
		case share == some:
			chosen[by] = append(chosen[by], resource)
			h.partly = true
		}
	}
	if void {
		h.nothing = "takes none of the kinds that are restored (" + strings.Join(keys(left), ", ") + "); name another"
		return h
	}
	for _, by := range keys(left) {
		h.leavesOut = append(h.leavesOut, strings.Join(left[by], ", ")+" ("+by+")")
	}
	for _, by := range keys(chosen) {
		h.leavesOut = append(h.leavesOut, "some "+strings.Join(chosen[by], ", ")+" ("+by+")")
	}
	if ref := b.Spec.ResourcePolicy; ref != nil && policy.Unknown != "" {
		h.leavesOut = append(h.leavesOut, fmt.Sprintf("perhaps more: ConfigMap %s of its spec.resourcePolicy %s", ref.Name, policy.Unknown))
	}
	return h
}

// takes tells how much of a resource b takes in the source namespaces, and which of its fields says so. What its spec lists
// counts for more than what its resource policy does.
func takes(b *velerov1.Backup, policy Policy, resource string, want Wanted) (taken share, by string) {
	spec := &b.Spec
	ofPolicy := "spec.resourcePolicy"
	switch {
	case lists(spec.ExcludedResources, resource):
		return none, "spec.excludedResources"
	case len(spec.IncludedResources) > 0 && !lists(spec.IncludedResources, resource):
		return none, "spec.includedResources"
	case lists(spec.ExcludedNamespaceScopedResources, resource):
		return none, "spec.excludedNamespaceScopedResources"
	case lists(spec.IncludedNamespaceScopedResources, resource):
	case lists(policy.excluded, resource):
		return none, ofPolicy
	case lists(policy.included, resource):
	case len(spec.IncludedNamespaceScopedResources) > 0:
		return none, "spec.includedNamespaceScopedResources"
	case len(policy.included) > 0:
		return none, ofPolicy
	}
	for _, source := range want.Source.Namespaces {
		taken = max(taken, policy.takes(resource, source.Name))
	}
	return taken, ofPolicy
}

// tookData tells whether it is seen that b has data of volumes. What is copied file by file is copied through pods.
func tookData(b *velerov1.Backup) bool {
	files := isTrue(b.Spec.DefaultVolumesToFsBackup)
	pods, _ := takes(b, Policy{}, "pods", Wanted{})
	return files && pods == all || b.Status.VolumeSnapshotsCompleted > 0 || b.Status.CSIVolumeSnapshotsCompleted > 0
}

// Selects tells whether b's spec selects the namespace. Velero's wildcards are those of shell patterns.
func Selects(b *velerov1.Backup, namespace string) bool {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, namespace)
		return err == nil && ok
	}
	included := len(b.Spec.IncludedNamespaces) == 0 || slices.ContainsFunc(b.Spec.IncludedNamespaces, matches)
	return included && !slices.ContainsFunc(b.Spec.ExcludedNamespaces, matches)
}

// namespacesOf says which namespaces b selects.
func namespacesOf(b *velerov1.Backup) string {
	included := "all namespaces"
	if len(b.Spec.IncludedNamespaces) > 0 {
		included = strings.Join(b.Spec.IncludedNamespaces, ", ")
	}
	if len(b.Spec.ExcludedNamespaces) > 0 {
		included += " but " + strings.Join(b.Spec.ExcludedNamespaces, ", ")
	}
	return included
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }
