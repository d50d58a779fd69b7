package cached

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Policy is what lists tell of a HealthCheckPolicy.
type Policy struct {
	Key
	checks []string
}

func toPolicyRow(p *v1alpha1.HealthCheckPolicy) *Policy {
	row := &Policy{Key: keyOf(p), checks: make([]string, 0, len(p.Spec.Checks))}
	for _, c := range p.Spec.Checks {
		row.checks = append(row.checks, c.Name)
	}
	return row
}

// PolicyItem is a HealthCheckPolicy in a list.
type PolicyItem struct {
	Name      string   `json:"name"`
	Namespace string   `json:"namespace"`
	Checks    []string `json:"checks"`
}

// Item returns what lists and streams tell of the policy.
func (row *Policy) Item() PolicyItem { return PolicyItem{row.Name, row.Namespace, row.checks} }
