package look

import (
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// believed is how long a kind that the cluster did not serve is not asked for again. Somebody may add it at any time; that a run does
// not see it then costs a pass, and never gives one.
const believed = 10 * time.Minute

// absent are kinds that the cluster does not serve, and when that was seen. All looks share it.
type absent struct {
	mu    sync.Mutex
	since map[schema.GroupVersionResource]time.Time
}

// unless lists the first of kinds, unless one of them is not served. That it is not is no error. Without kinds it just lists.
func (a *absent) unless(list func() error, kinds ...schema.GroupVersionResource) error {
	if slices.ContainsFunc(kinds, a.missed) {
		return nil
	}
	err := list()
	if len(kinds) == 0 || !apierrors.IsNotFound(err) {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since == nil {
		a.since = map[schema.GroupVersionResource]time.Time{}
	}
	a.since[kinds[0]] = time.Now()
	return nil
}

func (a *absent) missed(kind schema.GroupVersionResource) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	since, ok := a.since[kind]
	return ok && time.Since(since) < believed
}
