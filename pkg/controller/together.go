package controller

import "sync"

// Together does all at once, and returns when all are done: the first error, in the order in which they stand.
func Together(all ...func() error) error {
	failed := make([]error, len(all))
	var wg sync.WaitGroup
	for i, do := range all {
		wg.Go(func() { failed[i] = do() })
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}
