// Package progress tells the user on standard error what is being done, and since when.
package progress

import (
	"fmt"
	"os"
	"strconv"
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
