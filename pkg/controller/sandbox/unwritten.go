package sandbox

import (
	"context"
	"errors"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// repair undoes what somebody did to a guard.
type repair = func(context.Context) error

// putBack makes all repairs.
func (s *seen) putBack(ctx context.Context) error {
	var errs []error
	for _, repair := range s.repairs {
		errs = append(errs, repair(ctx))
	}
	return errors.Join(errs...)
}

// unwritten are violations that were put back, and of which the status could not tell, because the test had changed meanwhile:
// at the next look nothing shows them any more.
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
