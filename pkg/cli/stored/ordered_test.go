package stored

import (
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// numbers are those from 0 on; after n of them comes err, if it is one. asked counts them.
func numbers(n int, err error, asked *int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if *asked++; !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestWhatIsDoneAtOnceComesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50
		var got []int
		var now, most atomic.Int32
		asked, began := 0, time.Now()
		err := ordered(numbers(n, nil, &asked), func(i int) (int, error) {
			if at := now.Add(1); at > most.Load() {
				most.Store(at)
			}
			time.Sleep(time.Duration(1+i%7) * time.Second) // those behind are often ready first
			now.Add(-1)
			return i, nil
		}, func(i int) error {
			got = append(got, i)
			return nil
		})
		if err != nil || len(got) != n || !slices.IsSorted(got) {
			t.Errorf("%v, in the order %v", err, got)
		}
		// Those in line, the one that is waited for, and the one that waits for a place.
		if limit := int32(2*runtime.GOMAXPROCS(0) + 2); most.Load() < 2 || most.Load() > limit {
			t.Errorf("%d at once, want up to %d", most.Load(), limit)
		}
		if took := time.Since(began); took > n*2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestTheFirstErrorEndsIt(t *testing.T) {
	bad := errors.New("bad")
	fails := func(at int) func(int) (int, error) {
		return func(i int) (int, error) {
			if i == at {
				return i, bad
			}
			return i, nil
		}
	}
	const never = -1
	for sentence, c := range map[string]struct {
		items, look, do int
		done            int
	}{
		"an item":           {5, never, never, 5},
		"looking at one":    {never, 7, never, 7},
		"doing one":         {never, never, 7, 7},
		"nothing at all":    {never, never, never, 1000},
		"the first of many": {never, 0, never, 0},
	} {
		synctest.Test(t, func(t *testing.T) { // waits for all that goes on
			n, itemsErr := 1000, error(nil)
			if c.items != never {
				n, itemsErr = c.items, bad
			}
			asked, done := 0, 0
			err := ordered(numbers(n, itemsErr, &asked), fails(c.look), func(i int) error {
				if _, err := fails(c.do)(i); err != nil {
					return err
				}
				done++
				return nil
			})
			if want := c.done < 1000; errors.Is(err, bad) != want || done != c.done {
				t.Errorf("%s: %v after %d, want %d", sentence, err, done, c.done)
			}
			if c.done < 1000 && asked > 100 {
				t.Errorf("%s: %d items were asked for", sentence, asked)
			}
		})
	}
}
