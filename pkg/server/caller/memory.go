package caller

import (
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
)

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
