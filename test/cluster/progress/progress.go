// Package progress tells the user on standard error what is being done, and since when.
package progress

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// sinceEnv hands the start time on to the harness's own child processes, so that their lines count on.
const sinceEnv = "KYMAROS_CLUSTER_SINCE"

var start = func() time.Time {
	if ms, err := strconv.ParseInt(os.Getenv(sinceEnv), 10, 64); err == nil {
		return time.UnixMilli(ms)
	}
	now := time.Now()
	os.Setenv(sinceEnv, strconv.FormatInt(now.UnixMilli(), 10))
	return now
}()

// Printf prints one line with the seconds elapsed since the command began.
func Printf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
}

// still is how often Long says that it goes on.
const still = 15 * time.Second

// Long prints one line, and that it goes on until done is called.
func Long(format string, args ...any) (done func()) {
	what := fmt.Sprintf(format, args...)
	Printf("%s", what)
	end := make(chan struct{})
	go func() {
		ticker := time.NewTicker(still)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				Printf("still %s", what)
			}
		}
	}()
	return sync.OnceFunc(func() { close(end) })
}
