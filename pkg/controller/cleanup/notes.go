package cleanup

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// note is what was found out about a sandbox and need not be asked again. It is lost with the process, and asked again then.
type note struct {
	// secured: its volumes have the right reclaim policy.
	secured bool
	// claims: it holds, or held, a claim or a volume. Without one nothing is left to be waited for.
	claims bool
	// empty: it terminates, and holds no pod or claim any more. Watching it would cost memory for as long as the cluster takes.
	empty bool
	// noSnapshots: Velero made no VolumeSnapshotContent in its run, or they are gone.
	noSnapshots bool
}

// notes are those of the sandboxes that exist, by UID, and which this process let go after it had seen that nothing is left of them.
type notes struct {
	mu   sync.Mutex
	all  map[types.UID]*note
	gone map[types.UID]bool
}

// maxGone is how many sandboxes are remembered that are gone; each is of use until its run ends a moment later.
const maxGone = 1024

// went takes down that the sandbox of that UID is gone, and that nothing was left of it.
func (n *notes) went(uid types.UID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone == nil || len(n.gone) >= maxGone {
		n.gone = map[types.UID]bool{}
	}
	n.gone[uid] = true
}

// allWent tells whether the sandboxes of a run went that way. Then nobody has to be asked about them again.
func (n *notes) allWent(sandboxes []v1alpha1.SandboxNamespace) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(sandboxes) > 0 && !slices.ContainsFunc(sandboxes, func(s v1alpha1.SandboxNamespace) bool { return !n.gone[s.UID] })
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
