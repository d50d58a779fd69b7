package archive

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/cache"
)

func TestASinkThatFailsIsLeftAloneByAllAndAReportByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all tries
		bad, good := cache.NewObjectName("prod", "bad"), cache.NewObjectName("prod", "good")
		last := time.Duration(0)
		for n := range 12 {
			if last = all.failed(bad, time.Now()); last < firstPause/2 || last > longestPause {
				t.Fatalf("%s after %d failures", last, n+1)
			}
		}
		if last < longestPause/2 {
			t.Errorf("%s after 12 failures, want %s at least", last, longestPause/2)
		}
		if all.wait(good, time.Now()) <= 0 {
			t.Error("another report does not leave the sink alone")
		}
		time.Sleep(longestPause)
		if wait := all.wait(good, time.Now()); wait > 0 {
			t.Errorf("another report waits for %s", wait)
		}
		all.failed(bad, time.Now())
		all.done(good)
		if wait := all.wait(good, time.Now()); wait > 0 {
			t.Errorf("the sink works, and a report waits for %s", wait)
		}
		if all.wait(bad, time.Now()) <= 0 {
			t.Error("a report that failed is tried at once because another did not")
		}
	})
}
