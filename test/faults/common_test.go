package faults

import (
	"slices"
	"testing"
)

// Requests that are for no test alone: lists of volumes and classes, looks at Velero and at ourselves, and all that a controller asks
// when it starts. Each is failed, and then each second time that it is asked.
func TestRunsSurviveFaultsOfRequestsThatAreForAll(t *testing.T) {
	_, common := clean(t)
	reads := slices.DeleteFunc(slices.Clone(common), func(p position) bool { return p.r.watch() || p.nth > 1 })
	t.Logf("%d kinds of requests are for all", len(reads))
	for _, f := range sample(faults, 0.03) {
		if !f.fits(&request{verb: "list", anyVersion: true}) {
			continue
		}
		counts := map[string]int{}
		v := newVictim(f.name+", of a request for all", "in each second of them")
		through.aim("", &shot{match: func(r *request) bool {
			if r.watch() || !f.fits(r) {
				return false
			}
			counts[r.what()]++
			return counts[r.what()]%2 == 1
		}, nth: 1, always: true, do: &fault{name: v.kind, uncounted: f.uncounted, do: f.do}})
		s := stage(t, v, newVictim(v.kind, "beside it"))
		control.kill() // and starts under the faults
		s.begin(t)
		s.await(t, ended)
		if !through.lower("") {
			t.Errorf("no request for all was met by %s", f.name)
		}
		s.verify(t)
	}
}
