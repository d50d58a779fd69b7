package notify

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// firstPause and longestPause bound the time between two tries.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// longestAsked bounds how long a receiver may ask to be left alone.
	longestAsked = time.Hour
)

// pause returns how long to wait after so many attempts: twice as long each time, more or less, so that receivers are not asked by all
// tests at once when they come back.
func pause(attempts int32, asked time.Duration) time.Duration {
	d := longestPause
	if attempts < 10 {
		d = min(firstPause<<max(attempts-1, 0), longestPause)
	}
	d = d/2 + rand.N(d/2+1)
	return max(d, min(asked, longestAsked))
}

// attempt is what this process knows of a delivery that is not over.
type attempt struct {
	try
	// flying: it is in a lane.
	flying bool
	// told: try tells something that the status does not yet.
	told bool
	// next is when it may be tried again.
	next time.Time
}

// attempts are those of all tests. What is in here is lost with the process, and then tried at once: never more than once a restart.
type attempts struct {
	mu  sync.Mutex
	all map[types.UID]map[string]*attempt
}

// of returns the outcomes of a test that its status may not tell yet.
func (a *attempts) of(uid types.UID) map[string]try {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := map[string]try{}
	for id, at := range a.all[uid] {
		if at.told {
			found[id] = at.try
		}
	}
	return found
}

// start notes that a delivery goes into a lane, if it may. It returns how often it was tried, as far as is known here or in the status,
// and how long to wait if it may not be tried yet.
func (a *attempts) start(uid types.UID, id string, written int32, now time.Time) (tried int32, wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all[uid] == nil {
		a.all[uid] = map[string]*attempt{}
	}
	at := a.all[uid][id]
	if at == nil {
		at = &attempt{try: try{attempts: written}}
		a.all[uid][id] = at
	}
	switch wait := at.next.Sub(now); {
	case at.flying, at.told && (at.sent || at.permanent):
		return 0, 0, false
	case wait > 0:
		return 0, wait, false
	}
	at.flying = true
	return at.attempts, 0, true
}

// land notes how an attempt ended.
func (a *attempts) land(uid types.UID, id string, t try, next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := a.all[uid][id]; at != nil {
		*at = attempt{try: t, told: true, next: next}
	}
}

// drop notes that nothing was tried after all.
func (a *attempts) drop(uid types.UID, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := a.all[uid][id]; at != nil {
		at.flying = false
	}
}

// keep forgets what a test does not wait for any more.
func (a *attempts) keep(uid types.UID, pending map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.all[uid] {
		if !pending[id] {
			delete(a.all[uid], id)
		}
	}
	if len(a.all[uid]) == 0 {
		delete(a.all, uid)
	}
}
