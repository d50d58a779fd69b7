package healthcheck

import (
	"fmt"
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// collect puts all verdicts into the status, in the order of the policy. It returns the checks that have none yet, and
// when the last check of this process ended.
func (p *plan) collect(seen observed) (pending []v1alpha1.HealthCheck, ended time.Time) {
	if seen.policy == nil {
		return nil, ended
	}
	known := map[string]v1alpha1.CheckStatus{}
	for name, v := range seen.verdicts {
		known[name] = v.status
		if v.ended.After(ended) {
			ended = v.ended
		}
	}
	for _, c := range p.health.Checks {
		known[c.Name] = c // what was written once stays
	}
	p.health.Checks = nil
	for _, check := range seen.policy.Spec.Checks {
		switch c, ok := known[check.Name]; {
		case ok:
			p.health.Checks = append(p.health.Checks, c)
		case seen.pods != nil && seen.pods.none() && needsPod(check):
			p.health.Checks = append(p.health.Checks, refused(check))
		default:
			pending = append(pending, check)
		}
	}
	return pending, ended
}

// weighed are the checks by how they ended.
type weighed struct {
	passed, total   int
	failed, unknown []string
}

// weigh counts the checks. While the sandbox keeps something from running, a check that needs pods and fails could not tell:
// it may have asked for what is missing.
func (p *plan) weigh(seen observed) weighed {
	w := weighed{total: len(p.health.Checks)}
	for i := range p.health.Checks {
		c := &p.health.Checks[i]
		if c.Status == v1alpha1.CheckFail && seen.pods.hindered && slices.ContainsFunc(seen.policy.Spec.Checks, func(check v1alpha1.HealthCheck) bool {
			return check.Name == c.Name && needsPod(check)
		}) {
			c.Status, c.Message = v1alpha1.CheckUnknown, "failed beside what the sandbox blocked: "+c.Message
		}
		said := fmt.Sprintf("%s (%s)", c.Name, c.Message)
		switch {
		case c.Status == v1alpha1.CheckPass:
			w.passed++
		case c.Status == v1alpha1.CheckUnknown:
			w.unknown = append(w.unknown, said)
		case c.Status == v1alpha1.CheckFail || !seen.pods.hindered: // what was skipped for want of pods was not checked when they came
			w.failed = append(w.failed, said)
		}
	}
	return w
}

func (w weighed) fails() string {
	return fmt.Sprintf("%d of %d checks failed: %s", len(w.failed), w.total, list(w.failed, ", "))
}

// unknowns names the checks that could not tell; empty if there are none.
func (w weighed) unknowns() string {
	if len(w.unknown) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d checks could not tell: %s", len(w.unknown), w.total, list(w.unknown, ", "))
}

// passes tells how many checks passed, or why there are none.
func (w weighed) passes(seen observed) string {
	switch {
	case w.total > 0:
		return fmt.Sprintf("%d of %d checks passed", w.passed, w.total)
	case seen.policy != nil:
		return fmt.Sprintf("no check ran because HealthCheckPolicy %s has no checks: add some", seen.policy.Name)
	}
	return "no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there"
}

// nothingRan says that no process of the application was seen.
func nothingRan(notCounted []string) string {
	if len(notCounted) > 0 {
		return "nothing ran but what does its work once: " + list(notCounted, ", ")
	}
	return "nothing ran: no workload asks for a pod, and there is none"
}
