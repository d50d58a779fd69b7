package coverage

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// look is what was seen of a cluster, by source namespace: there may be thousands of these, and tens of thousands of reports.
type look struct {
	Input
	claims map[string][]Claim
	tests  map[string][]*v1alpha1.RestoreTest
	// reports that show something.
	reports map[string][]*v1alpha1.RestoreReport
}

func lookAt(in Input) *look {
	l := &look{in, map[string][]Claim{}, map[string][]*v1alpha1.RestoreTest{}, map[string][]*v1alpha1.RestoreReport{}}
	for _, c := range in.Claims {
		l.claims[c.Namespace] = append(l.claims[c.Namespace], c)
	}
	for _, rt := range in.Tests {
		for _, source := range rt.Spec.BackupSource.Namespaces {
			l.tests[source.Name] = append(l.tests[source.Name], rt)
		}
	}
	for _, r := range in.Reports {
		if r.Status == nil || r.Status.Result == v1alpha1.ResultInconclusive {
			continue
		}
		for _, sandbox := range r.Status.Sandboxes {
			l.reports[sandbox.Source] = append(l.reports[sandbox.Source], r)
		}
	}
	return l
}
