package archive

import (
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/metrics"
)

// state is what the metrics tell.
type state struct {
	mu sync.Mutex
	// pending are the reports that are not archived, by when their runs ended.
	pending map[cache.ObjectName]*row
	// blind is since when the names in the sink could not be read; zero if they can.
	blind time.Time
	// lost counts reports that went before they were archived, differs those that are others than what is archived.
	lost    int64
	differs map[cache.ObjectName]bool
}

func newState() *state {
	return &state{pending: map[cache.ObjectName]*row{}, differs: map[cache.ObjectName]bool{}}
}

func (s *state) status() metrics.ArchiveStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := metrics.ArchiveStatus{Pending: len(s.pending), Oldest: s.blind, Lost: s.lost, Differ: len(s.differs)}
	for _, r := range s.pending {
		if now.Oldest.IsZero() || r.completed.Before(now.Oldest) {
			now.Oldest = r.completed
		}
	}
	return now
}

func (s *state) wait(r *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[r.key()] = r
}

// settle notes that a report is archived, or never will be: then it differs from what is.
func (s *state) settle(key cache.ObjectName, differs bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, key)
	if differs {
		s.differs[key] = true
	} else {
		delete(s.differs, key)
	}
}

// gone notes that a report was removed from the cluster. It returns what it was if it is not archived.
func (s *state) gone(key cache.ObjectName) *row {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.pending[key]
	delete(s.pending, key)
	delete(s.differs, key)
	if r != nil {
		s.lost++
	}
	return r
}

func (s *state) lose(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += n
}

// sees notes whether the names in the sink can be read.
func (s *state) sees(can bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if can {
		s.blind = time.Time{}
	} else if s.blind.IsZero() {
		s.blind = now
	}
}
