package archive

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
)

const (
	// firstPause and longestPause bound the time between two tries.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
)

// pause returns how long to wait after so many failures: twice as long each time, more or less.
func pause(failures int) time.Duration {
	d := longestPause
	if failures < 10 {
		d = min(firstPause<<max(failures-1, 0), longestPause)
	}
	return d/2 + rand.N(d/2+1)
}

// tries tell when to try again. A sink that fails is left alone by all reports, and a report that fails by itself delays no other
// for longer than it takes to see that.
type tries struct {
	mu   sync.Mutex
	sink failing
	of   map[cache.ObjectName]failing
}

// failing is what has failed so many times without a success, and may be tried again at next.
type failing struct {
	failures int
	next     time.Time
}

func (f failing) again(now time.Time) failing {
	return failing{f.failures + 1, now.Add(pause(f.failures + 1))}
}

// wait returns how long to wait before a report is tried.
func (t *tries) wait(key cache.ObjectName, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.sink.next.Sub(now), t.of[key].next.Sub(now))
}

// failed notes that a try failed. It returns how long to wait for the next.
func (t *tries) failed(key cache.ObjectName, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[cache.ObjectName]failing{}
	}
	t.sink, t.of[key] = t.sink.again(now), t.of[key].again(now)
	return max(t.sink.next.Sub(now), t.of[key].next.Sub(now))
}

// done notes that the sink did what it was asked for a report.
func (t *tries) done(key cache.ObjectName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sink = failing{}
	delete(t.of, key)
}
