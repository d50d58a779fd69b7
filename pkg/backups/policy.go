package backups

import (
	"fmt"
	"path"
	"slices"

	"sigs.k8s.io/yaml"
)

// Policy is what the ConfigMap of a backup's spec.resourcePolicy leaves out beside the data of volumes, as far as that is known:
// the ConfigMap may have been changed since the backup was made.
type Policy struct {
	// Unknown says why the ConfigMap cannot be read, if so.
	Unknown string
	// included and excluded resources. What the spec of the backup lists counts for more.
	included, excluded []string
	// namespaces have rules of their own; of those that match, the first counts.
	namespaces []namespaceRule
}

// namespaceRule is an allow-list: what none of its filters takes is left out.
type namespaceRule struct {
	Namespaces      []string         `json:"namespaces"`
	ResourceFilters []resourceFilter `json:"resourceFilters"`
}

// resourceFilter takes objects of some kinds; without kinds, of all others. Only whether it chooses among them is of interest:
// names that it leaves out are left out on purpose.
type resourceFilter struct {
	Kinds            []string `json:"kinds"`
	LabelSelector    any      `json:"labelSelector"`
	OrLabelSelectors []any    `json:"orLabelSelectors"`
	Names            []string `json:"names"`
}

// ParsePolicy reads the data of such a ConfigMap: one key with a document, whose volume policies are of no interest here.
func ParsePolicy(data map[string]string) Policy {
	if len(data) != 1 {
		return Policy{Unknown: fmt.Sprintf("has %d keys, where Velero wants one", len(data))}
	}
	var document struct {
		IncludeExclude struct {
			Included []string `json:"includedNamespaceScopedResources"`
			Excluded []string `json:"excludedNamespaceScopedResources"`
		} `json:"includeExcludePolicy"`
		Namespaces []namespaceRule `json:"namespacedFilterPolicies"`
	}
	for _, text := range data {
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return Policy{Unknown: "cannot be read as YAML"}
		}
	}
	return Policy{included: document.IncludeExclude.Included, excluded: document.IncludeExclude.Excluded, namespaces: document.Namespaces}
}

// takes tells how much of a resource the rules take in a namespace.
func (p Policy) takes(resource, namespace string) share {
	for _, rule := range p.namespaces {
		if !slices.ContainsFunc(rule.Namespaces, func(pattern string) bool { ok, err := path.Match(pattern, namespace); return err == nil && ok }) {
			continue
		}
		var others *resourceFilter
		for i, filter := range rule.ResourceFilters {
			switch {
			case len(filter.Kinds) == 0 || slices.Contains(filter.Kinds, "*"):
				others = &rule.ResourceFilters[i]
			case lists(filter.Kinds, resource):
				return filter.takes()
			}
		}
		if others != nil {
			return others.takes()
		}
		return none
	}
	return all
}

func (f *resourceFilter) takes() share {
	if f.LabelSelector != nil || len(f.OrLabelSelectors)+len(f.Names) > 0 {
		return some
	}
	return all
}
