package sandbox

import (
	"sync"

	"k8s.io/client-go/tools/cache"
)

// unwritten are violations that were put back at once, and of which the status could not tell yet, because the test had
// changed meanwhile: at the next look nothing shows them any more.
type unwritten struct {
	mu     sync.Mutex
	byTest map[cache.ObjectName]violations
}

type violations struct {
	runID string
	what  []string
}

func (u *unwritten) keep(key cache.ObjectName, runID string, what []string) {
	if len(what) == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byTest == nil {
		u.byTest = map[cache.ObjectName]violations{}
	}
	u.byTest[key] = violations{runID, what}
}

// take returns what was kept for a run, and forgets all about its test.
func (u *unwritten) take(key cache.ObjectName, runID string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	kept := u.byTest[key]
	delete(u.byTest, key)
	if kept.runID != runID {
		return nil
	}
	return kept.what
}
