package cleanup

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// note is what was found out about a sandbox and need not be asked again. It is lost with the process, and asked again then.
type note struct {
	// secured: its volumes have the right reclaim policy.
	secured bool
	// claims: it holds, or held, a claim or a volume. Without one nothing is left to be waited for.
	claims bool
	// noSnapshots: Velero made no VolumeSnapshotContent in its run, or they are gone.
	noSnapshots bool
}

// notes are those of the sandboxes that exist, by UID.
type notes struct {
	mu  sync.Mutex
	all map[types.UID]*note
}

// of returns the note of a namespace, which one worker at a time may change: that of its test.
func (n *notes) of(uid types.UID) *note {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = map[types.UID]*note{}
	}
	if n.all[uid] == nil {
		n.all[uid] = &note{}
	}
	return n.all[uid]
}

func (n *notes) forget(uid types.UID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, uid)
}
