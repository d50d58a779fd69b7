package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tally counts the faults that were injected, and the invariants that did not hold after them, by kind of fault.
type tally struct {
	mu                 sync.Mutex
	injected, violated map[string]int
	troubles           []string
}

func (c *tally) inject(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.injected == nil {
		c.injected = map[string]int{}
	}
	c.injected[kind]++
}

// violate fails t for an invariant that does not hold after a fault of that kind.
func (c *tally) violate(t *testing.T, kind, format string, args ...any) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.violated == nil {
		c.violated = map[string]int{}
	}
	c.violated[kind]++
	t.Errorf("after "+kind+": "+format, args...)
}

// trouble takes down that a fault could not be injected.
func (c *tally) trouble(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.troubles = append(c.troubles, fmt.Sprintf("%s could not be injected: %v", kind, err))
}

// untroubled fails t if a fault could not be injected.
func (c *tally) untroubled(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, trouble := range c.troubles {
		t.Error(trouble)
	}
	c.troubles = nil
}

func (c *tally) table() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	faults, violations := 0, 0
	kinds := map[string]int{}
	maps.Copy(kinds, c.injected)
	maps.Copy(kinds, c.violated)
	fmt.Fprintf(&b, "%-40s %8s %8s\n", "fault", "injected", "violated")
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, "%-40s %8d %8d\n", kind, c.injected[kind], c.violated[kind])
		faults, violations = faults+c.injected[kind], violations+c.violated[kind]
	}
	fmt.Fprintf(&b, "faults injected: %d, invariants violated: %d\n", faults, violations)
	return b.String()
}

// sample returns an evenly spread part of a plan: of all faults that -faults allows, the share that one test may take.
func sample[T any](plan []T, share float64) []T {
	n := int(float64(*faultsFlag) * share)
	if *faultsFlag == 0 || n >= len(plan) {
		return plan
	}
	// One of each n-th part, and not the same in each: what the plan repeats must not meet the same choice again and again.
	dice := rand.New(rand.NewPCG(1, 2))
	part := make([]T, 0, n)
	for i := range n {
		from, to := i*len(plan)/n, (i+1)*len(plan)/n
		part = append(part, plan[from+dice.IntN(to-from)])
	}
	return part
}
