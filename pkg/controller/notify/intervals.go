package notify

import (
	"sync"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cron"
)

// maxIntervals bounds what is remembered: schedules that nobody has any more are forgotten with all others now and then.
const maxIntervals = 1024

// intervals remembers the longest time between two times of a schedule: it follows from the text alone, and takes a while to find. The
// zero value is ready.
type intervals struct {
	mu    sync.Mutex
	known map[[2]string]time.Duration
}

// of returns that of rt's schedule; 0 if it has none, or cannot be read, which condition Scheduled says.
func (i *intervals) of(rt *v1alpha1.RestoreTest) time.Duration {
	key := [2]string{rt.Spec.Schedule.Cron, rt.Spec.Schedule.Timezone}
	i.mu.Lock()
	defer i.mu.Unlock()
	if longest, ok := i.known[key]; ok {
		return longest
	}
	var longest time.Duration
	if schedule, err := cron.Parse(key[0], key[1]); err == nil {
		longest = schedule.Longest()
	}
	if i.known == nil || len(i.known) >= maxIntervals {
		i.known = map[[2]string]time.Duration{}
	}
	i.known[key] = longest
	return longest
}
