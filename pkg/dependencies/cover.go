package dependencies

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// maxNamed is how many references a report names on each side.
const maxNamed = 50

// Result tells which references the run covers.
type Result struct {
	// Covered of Found references point to a Service that exists in a sandbox of the run that can be reached from there.
	Covered, Found   int
	Tested, Untested []string
}

// Cover looks up each reference among the Services of the run's sandboxes: services has the names by source namespace.
// Under isolation strict no sandbox reaches another, so that nothing is covered. That a Service exists says that its
// namespace came back with it, not that a connection by this name works: that is always named as untested.
func Cover(refs []Reference, services map[string]sets.Set[string], isolation v1alpha1.NetworkIsolation) Result {
	refs = unique(refs)
	r := Result{Found: len(refs)}
	for _, ref := range refs {
		entry := fmt.Sprintf("%s → %s (%s)", ref.From, ref.Host, ref.Place)
		names, inRun := services[ref.Namespace]
		switch {
		case !inRun:
			r.Untested = append(r.Untested, entry+": not part of this test")
		case !names.Has(ref.Service):
			r.Untested = append(r.Untested, fmt.Sprintf("%s: no Service %s came back in the sandbox of %s", entry, ref.Service, ref.Namespace))
		case isolation != v1alpha1.IsolationGroup:
			r.Untested = append(r.Untested, entry+": networkIsolation strict keeps the sandboxes apart")
		default:
			r.Covered++
			r.Tested = append(r.Tested, entry+": the Service came back")
		}
	}
	r.Tested = limit(r.Tested)
	r.Untested = limit(r.Untested)
	if r.Covered > 0 {
		r.Untested = append(r.Untested, "connections between the sandboxes: names of other namespaces still mean the originals")
	}
	return r
}

func limit(entries []string) []string {
	if len(entries) <= maxNamed {
		return entries
	}
	return append(entries[:maxNamed:maxNamed], fmt.Sprintf("and %d more", len(entries)-maxNamed))
}
