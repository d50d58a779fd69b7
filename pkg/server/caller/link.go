package caller

import (
	"errors"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// StaleFor is how long what the API server said of tokens and rights still counts while it cannot be reached.
	StaleFor = 2 * time.Minute
	// restFor is how long it is not asked again what is known, after it did not answer.
	restFor = 2 * time.Second
)

// Link is whether the API server can be reached. The zero value says that it can.
type Link struct {
	// since and last are when it first, and last, did not answer; 0: it did.
	since, last atomic.Int64
}

// Heard notes how a question to the API server ended: any answer, also a refusal, says that it can be reached.
func (l *Link) Heard(err error) {
	if !isAway(err) {
		l.since.Store(0)
		return
	}
	now := time.Now().UnixNano()
	l.last.Store(now)
	l.since.CompareAndSwap(0, now)
}

// Away returns since when the API server does not answer; false: it does.
func (l *Link) Away() (time.Time, bool) {
	since := l.since.Load()
	return time.Unix(0, since), since != 0
}

// rests tells whether it did not answer just now.
func (l *Link) rests() bool {
	return l.since.Load() != 0 && time.Since(time.Unix(0, l.last.Load())) < restFor
}

// isAway tells whether an error says that nobody answered. A refusal is an answer.
func isAway(err error) bool {
	switch {
	case err == nil, errors.Is(err, errNotPermitted), errors.Is(err, errTooMany), errors.Is(err, ErrBadToken):
		return false
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsNotFound(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return false
	}
	return true
}
