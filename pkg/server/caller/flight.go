package caller

import (
	"sync"
)

// flights has callers that ask the same at the same time share one answer.
type flights[K comparable, V any] struct {
	mu    sync.Mutex
	under map[K]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// do returns what ask returns to whoever came first with that key.
func (f *flights[K, V]) do(k K, ask func() (V, error)) (V, error) {
	f.mu.Lock()
	if other, ok := f.under[k]; ok {
		f.mu.Unlock()
		<-other.done
		return other.value, other.err
	}
	mine := &flight[V]{done: make(chan struct{})}
	if f.under == nil {
		f.under = map[K]*flight[V]{}
	}
	f.under[k] = mine
	f.mu.Unlock()
	mine.err = errGaveUp // what the others get if ask panics
	defer func() {
		f.mu.Lock()
		delete(f.under, k)
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.value, mine.err = ask()
	return mine.value, mine.err
}
