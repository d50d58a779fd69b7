package stored

import (
	"iter"
	"runtime"
)

// ordered calls look for each item, of several at once, and do with what it returned, of one at a time and in the order of the items. It
// ends with the first error, of any of the three. No more than a few items are under way, so that none waits long in memory.
func ordered[A, B any](items iter.Seq2[A, error], look func(A) (B, error), do func(B) error) error {
	type answer struct {
		b   B
		err error
	}
	line, stop := make(chan chan answer, 2*runtime.GOMAXPROCS(0)), make(chan struct{})
	go func() {
		defer close(line)
		for item, err := range items {
			next := make(chan answer, 1)
			select {
			case <-stop:
				return
			case line <- next:
			}
			if err != nil {
				next <- answer{err: err}
				return
			}
			go func() {
				b, err := look(item)
				next <- answer{b, err}
			}()
		}
	}()
	defer func() { // nothing of it goes on once it has returned
		close(stop)
		for next := range line {
			<-next
		}
	}()
	for next := range line {
		got := <-next
		if got.err != nil {
			return got.err
		}
		if err := do(got.b); err != nil {
			return err
		}
	}
	return nil
}
