package faults

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// position is one request of a run: the n-th of those that ask for the same.
type position struct {
	what string
	nth  int
	r    request
}

func (p position) String() string { return fmt.Sprintf("%s #%d", p.what, p.nth) }

// positions takes down the requests of one victim, in their order.
type positions struct {
	mu     sync.Mutex
	counts map[string]int
	all    []position
}

func (ps *positions) see(r *request) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.counts == nil {
		ps.counts = map[string]int{}
	}
	ps.counts[r.what()]++
	ps.all = append(ps.all, position{r.what(), ps.counts[r.what()], *r})
}

var undisturbed struct {
	once        sync.Once
	own, common []position
}

// clean returns the requests of a run that nobody disturbs: those that are for it, and those that are for none or for all.
func clean(t *testing.T) (own, common []position) {
	t.Helper()
	undisturbed.once.Do(func() {
		var mine, others positions
		v := newVictim("nothing", "undisturbed")
		s := stage(t, v)
		through.look(func(r *request) {
			if r.victim == "" {
				others.see(r)
			} else {
				mine.see(r)
			}
		})
		s.begin(t)
		s.verifyFirst(t)
		through.look(nil)
		undisturbed.own, undisturbed.common = mine.all, others.all
	})
	if t.Failed() || len(undisturbed.own) == 0 {
		t.Fatal("a run that nobody disturbs does not go well")
	}
	return undisturbed.own, undisturbed.common
}

// aimed is a fault at a position.
type aimed struct {
	at position
	do *fault
}

// plan returns every fault at every position that it fits. If -faults allows a part only, the kinds take turns.
func plan(all []position, share float64) []aimed {
	if *faultsFlag > 0 && int(float64(*faultsFlag)*share) < len(all) {
		var some []aimed
		for i, at := range sample(all, share) {
			fit := slices.DeleteFunc(slices.Clone(faults), func(f *fault) bool { return !f.fits(&at.r) })
			some = append(some, aimed{at, fit[i%len(fit)]})
		}
		return some
	}
	var every []aimed
	for _, f := range faults {
		for _, at := range all {
			if f.fits(&at.r) {
				every = append(every, aimed{at, f})
			}
		}
	}
	return sample(every, share)
}

// atOnce is how many victims are disturbed at the same time.
const atOnce = 64

func TestARunSurvivesAFaultAtEachOfItsRequests(t *testing.T) {
	own, _ := clean(t)
	t.Parallel()
	only := regexp.MustCompile(*atFlag)
	own = slices.DeleteFunc(slices.Clone(own), func(p position) bool { return p.r.watch() || !only.MatchString(p.String()) })
	shots := plan(own, 0.5)
	var patient []aimed
	for i := 0; i < len(own); i += 6 { // each occupies a worker for as long as a sync may take
		patient = append(patient, aimed{own[i], &fault{name: "no answer at all", do: patience}})
	}
	shots = append(shots, sample(patient, 0.02)...)
	missed := 0
	for some := range slices.Chunk(shots, atOnce) {
		var all []*victim
		for _, f := range some {
			v := newVictim(f.do.name, "at "+f.at.String())
			v.shot = &shot{match: func(r *request) bool { return r.what() == f.at.what }, nth: f.at.nth, do: f.do}
			all = append(all, v)
		}
		s := stage(t, all...)
		s.begin(t)
		missed += s.verify(t)
	}
	// Which of two controllers is faster is not always the same, and some requests are only made if one is.
	t.Logf("%d requests a run; %d of %d faults met none", len(own), missed, len(shots))
	if tooMany(missed, len(shots)) {
		t.Errorf("%d of %d faults met no request", missed, len(shots))
	}
}
