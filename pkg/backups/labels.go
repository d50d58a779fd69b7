package backups

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// share is how much of what a test wants a selector selects.
type share int

const (
	all share = iota
	some
	none
)

// selectorsOf returns the label selectors of a backup, of which one suffices, and how to name them.
func selectorsOf(spec *velerov1.BackupSpec) (selectors []*metav1.LabelSelector, named string) {
	field := "spec.orLabelSelectors"
	selectors = spec.OrLabelSelectors
	if spec.LabelSelector != nil { // Velero refuses both
		field, selectors = "spec.labelSelector", []*metav1.LabelSelector{spec.LabelSelector}
	}
	var texts []string
	for _, s := range selectors {
		texts = append(texts, metav1.FormatLabelSelector(s))
	}
	return selectors, "its " + field + " (" + strings.Join(texts, " or ") + ")"
}

// shareOf tells how much the selectors, of which one suffices, select of what carries all labels in wanted.
func shareOf(selectors []*metav1.LabelSelector, wanted map[string]string) share {
	if len(selectors) == 0 {
		return all
	}
	least := none
	for _, s := range selectors {
		least = min(least, shareOfOne(s, wanted))
	}
	return least
}

func shareOfOne(s *metav1.LabelSelector, wanted map[string]string) share {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return some
	}
	requirements, _ := selector.Requirements()
	most := all
	for _, r := range requirements {
		most = max(most, shareOfRequirement(r, wanted))
	}
	return most
}

// shareOfRequirement: a requirement that only leaves out what carries a label selects all, for what is marked to be left out
// is left out on purpose.
func shareOfRequirement(r labels.Requirement, wanted map[string]string) share {
	_, known := wanted[r.Key()]
	optsOut := slices.Contains([]selection.Operator{selection.NotIn, selection.NotEquals, selection.DoesNotExist}, r.Operator())
	switch {
	case known && !r.Matches(labels.Set(wanted)):
		return none
	case known || optsOut:
		return all
	}
	return some
}
