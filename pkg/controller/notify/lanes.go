package notify

import (
	"context"
	"sync"
	"time"
)

const (
	// firstTries and retries are how many requests may be made at a time: receivers that are dead, each tried again and again, leave room
	// for those that are not.
	firstTries = 64
	retries    = 16
)

// job is one attempt at a delivery.
type job struct {
	// again: it was tried before.
	again bool
	// run makes the attempt, and returns how long the receiver asks to be left alone; 0: it does not.
	run func(ctx context.Context) time.Duration
}

// lanes do jobs: those of one receiver one after another, those of different ones at once.
type lanes struct {
	mu   sync.Mutex
	jobs map[string][]job // by receiver; one that is not in it has no goroutine
	wg   sync.WaitGroup
	stop chan struct{}

	first, again chan struct{}
}

func newLanes() *lanes {
	return &lanes{jobs: map[string][]job{}, stop: make(chan struct{}), first: make(chan struct{}, firstTries), again: make(chan struct{}, retries)}
}

// add has a job done, unless the lanes are closed before its turn. ctx lends it its values, and does not end it.
func (l *lanes) add(ctx context.Context, receiver string, j job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, busy := l.jobs[receiver]
	l.jobs[receiver] = append(waiting, j)
	if !busy {
		ctx = context.WithoutCancel(ctx)
		l.wg.Go(func() { l.work(ctx, receiver) })
	}
}

// close returns when no job is under way. Those that are, are finished: their outcome is worth knowing.
func (l *lanes) close() {
	close(l.stop)
	l.wg.Wait()
}

func (l *lanes) work(ctx context.Context, receiver string) {
	for {
		j, ok := l.next(receiver)
		if !ok || !l.wait(l.do(ctx, j)) {
			return
		}
	}
}

// do makes an attempt when there is a place for it, and returns how long the lane is to rest.
func (l *lanes) do(ctx context.Context, j job) time.Duration {
	places := l.first
	if j.again {
		places = l.again
	}
	select {
	case <-l.stop:
		return 0
	case places <- struct{}{}:
		defer func() { <-places }()
	}
	select {
	case <-l.stop: // a select takes any of those that are ready
		return 0
	default:
		return j.run(ctx)
	}
}

// wait tells whether the lanes are still open after that time.
func (l *lanes) wait(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-l.stop:
		return false
	case <-timer.C:
		return true
	}
}

// next takes the first job of a lane. Without one the lane ends.
func (l *lanes) next(receiver string) (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.jobs[receiver]
	if len(waiting) == 0 {
		delete(l.jobs, receiver)
		return job{}, false
	}
	l.jobs[receiver] = waiting[1:]
	return waiting[0], true
}
