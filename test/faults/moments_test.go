package faults

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// disturbance is something that happens to everybody.
type disturbance struct {
	kind string
	do   func(context.Context) error
	// every n-th write of a run is enough: it takes long.
	every int
}

var disturbances = []disturbance{
	{"kill -9", func(context.Context) error { control.kill(); return nil }, 1},
	{"watches cut", func(context.Context) error { through.cutWatches(false); return nil }, 1},
	{"watches too old (410)", func(context.Context) error { through.cutWatches(true); return nil }, 1},
	{"connections cut", func(context.Context) error { through.disconnect(); return nil }, 1},
	{"watches lag", func(context.Context) error { through.lag(silence); return nil }, 1},
	{"etcd compacted", func(ctx context.Context) error { return cluster.Compact(ctx) }, 6},
	{"API server restarted", func(context.Context) error { return cluster.RestartAPIServer() }, 8},
	{"etcd compacted, API server restarted", func(ctx context.Context) error {
		if err := cluster.Compact(ctx); err != nil {
			return err
		}
		return cluster.RestartAPIServer()
	}, 12},
}

// writes returns how many writes a run makes.
func writes(t *testing.T) int {
	t.Helper()
	own, _ := clean(t)
	return len(slices.DeleteFunc(slices.Clone(own), func(p position) bool { return !p.r.writes() }))
}

// tooMany tells whether so many of all met no request that the test shows too little. One run makes a few requests less than another, and
// of a small sample two or three may be aimed at those.
func tooMany(missed, all int) bool { return missed > max(3, all/4) }

// Each victim is the cause of one disturbance, and meets those of all others. The answer after which it happens is heard by nobody,
// or late: whoever goes on has to find out what was done.
func TestARunSurvivesWhatHappensToAllAfterEachOfItsWrites(t *testing.T) {
	n := writes(t)
	var all []*victim
	for _, d := range disturbances {
		for nth := 1; nth <= n; nth += d.every {
			v := newVictim(d.kind, fmt.Sprintf("after write %d", nth))
			v.shot = &shot{match: (*request).writes, nth: nth, do: after(d.kind, func(ctx context.Context) (bool, error) { return true, d.do(ctx) })}
			all = append(all, v)
		}
	}
	all = sample(all, 0.15)
	missed := 0
	for some := range slices.Chunk(all, atOnce/2) {
		s := stage(t, some...)
		s.begin(t)
		missed += s.verify(t)
	}
	t.Logf("%d writes a run; %d of %d disturbances did not happen", n, missed, len(all))
	if tooMany(missed, len(all)) {
		t.Errorf("%d of %d disturbances did not happen", missed, len(all))
	}
}
