package server

import (
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/compare"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

// comparison is what differs between two reports.
type comparison struct {
	Before comparedReport `json:"before"`
	After  comparedReport `json:"after"`
	// Incomparable says why the two runs did not look at the same; empty if they did.
	Incomparable []string `json:"incomparable"`
	// Changes are what differs, by area; none if the reports say the same.
	Changes []compare.Change `json:"changes"`
}

type comparedReport struct {
	cached.ReportItem
	// RTOParts are what the recovery time is made of.
	RTOParts *v1alpha1.RTOParts `json:"rtoParts,omitempty"`
}

// compare compares two reports. Whether the caller may get each is found out before either is looked for.
func (s *Server) compare(r *request) (any, error) {
	var at [2]cached.Key
	for i, field := range []string{"before", "after"} {
		var err error
		if at[i], err = r.report(field); err != nil {
			return nil, err
		}
	}
	for _, k := range at {
		if err := s.authz.Require(r.Context(), r.caller, caller.Right{Verb: "get", Resource: reports, Namespace: k.Namespace, Name: k.Name}); err != nil {
			return nil, err
		}
	}
	var both [2]*v1alpha1.RestoreReport
	for i, k := range at {
		var err error
		if both[i], err = s.reportOf(r, k.Namespace, k.Name); err != nil {
			return nil, err
		}
	}
	result := compare.Reports(both[0], both[1])
	return comparison{
		Before: compared(both[0]), After: compared(both[1]),
		Incomparable: append([]string{}, result.Incomparable...), Changes: append([]compare.Change{}, result.Changes...),
	}, nil
}

func compared(report *v1alpha1.RestoreReport) comparedReport {
	return comparedReport{cached.ReportOf(report).Item(), report.Status.RTO.Parts}
}

// report reads a parameter that names a report.
func (r *request) report(field string) (cached.Key, error) {
	namespace, name, found := strings.Cut(r.Text(field), "/")
	if !found || query.CheckNamespace(field, namespace) != nil || query.CheckName(field, name) != nil {
		return cached.Key{}, problem.Wrong(field, "must be the namespace and name of a report, as in team-web/shop-20261126-030000")
	}
	return cached.Key{Namespace: namespace, Name: name}, nil
}
