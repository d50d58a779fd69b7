package server

import (
	"errors"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/cache"
)

const (
	// staleFor is how long what the API server said of tokens and rights still counts while it cannot be reached.
	staleFor = 2 * time.Minute
	// restFor is how long it is not asked again what is known, after it did not answer.
	restFor = 2 * time.Second
)

// link is whether the API server can be reached.
type link struct {
	now func() time.Time
	// since and last are when it first, and last, did not answer; 0: it did.
	since, last atomic.Int64
}

// heard notes how a question ended.
func (l *link) heard(err error) {
	if !isAway(err) {
		l.since.Store(0)
		return
	}
	now := l.now().UnixNano()
	l.last.Store(now)
	l.since.CompareAndSwap(0, now)
}

// away returns since when the API server does not answer.
func (l *link) away() (time.Time, bool) {
	since := l.since.Load()
	return time.Unix(0, since), since != 0
}

// rests tells whether it did not answer just now.
func (l *link) rests() bool {
	return l.since.Load() != 0 && l.now().Sub(time.Unix(0, l.last.Load())) < restFor
}

// isAway tells whether an error says that nobody answered. A refusal is an answer.
func isAway(err error) bool {
	switch {
	case err == nil, errors.Is(err, errNotPermitted), errors.Is(err, errTooMany), errors.Is(err, errBadToken):
		return false
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsNotFound(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return false
	}
	return true
}

// known is what the API server said, and until when it is not asked again.
type known[V any] struct {
	value V
	until time.Time
}

// remember keeps an answer: for fresh it counts, and until stale as long as nobody can be asked.
func remember[V any](in *cache.LRUExpireCache, key any, value V, fresh, stale time.Duration) {
	in.Add(key, &known[V]{value, time.Now().Add(min(fresh, stale))}, stale)
}

// recall returns what is remembered, nil if nothing is, and whether it still counts.
func recall[V any](in *cache.LRUExpireCache, key any) (*known[V], bool) {
	v, ok := in.Get(key)
	if !ok {
		return nil, false
	}
	k := v.(*known[V])
	return k, time.Now().Before(k.until)
}
