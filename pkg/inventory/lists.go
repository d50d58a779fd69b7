// Package inventory has Velero give out the list of what a backup holds: names, no content. Velero may take its time, or never
// answer, so nobody waits for it: who asks is woken.
package inventory

import (
	"context"
	"sync"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// Lists are those of the backups of runs under way. Each is asked for once a run, whoever needs it, and kept until the run is
// reported. Safe for concurrent use.
type Lists struct {
	read Reader

	mu      sync.Mutex
	of      map[cache.ObjectName]*run
	reading sync.WaitGroup
}

// run are the lists that were asked for in a run, by the name of the backup.
type run struct {
	id    string
	ctx   context.Context //nolint:containedctx // the life of what reads them
	stop  context.CancelFunc
	lists map[string]*List
}

// Reader returns what a backup, nil if it does not exist, holds of the source namespaces and of the whole cluster. It may take
// its time, and ends early with ctx.
type Reader func(ctx context.Context, rt *v1alpha1.RestoreTest, backup *velerov1.Backup, sources []string) (sideeffects.Inventory, error)

// New returns lists that are read by read.
func New(read Reader) *Lists {
	return &Lists{read: read, of: map[cache.ObjectName]*run{}}
}

// List is what a backup holds of the source namespaces and of the whole cluster.
type List struct {
	wake  []func() // under the lock of Lists
	ready chan struct{}
	holds sideeffects.Inventory
	err   error
}

// Ask returns the list of the named backup for rt's run, which it asks for if nobody has; backup is nil if there is none of that
// name. If it is not ready, wake is called when it is.
func (l *Lists) Ask(ctx context.Context, rt *v1alpha1.RestoreTest, name string, backup *velerov1.Backup, wake func()) *List {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := cache.NewObjectName(rt.Namespace, rt.Name)
	r := l.of[key]
	if r == nil || r.id != rt.Status.Run.ID {
		l.end(key)
		r = &run{id: rt.Status.Run.ID, lists: map[string]*List{}}
		r.ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // stopped by end
		l.of[key] = r
	}
	asked := r.lists[name]
	if asked != nil {
		if !asked.IsReady() {
			asked.wake = append(asked.wake, wake)
		}
		return asked
	}
	asked = &List{wake: []func(){wake}, ready: make(chan struct{})}
	r.lists[name] = asked
	var sources []string
	for _, ns := range rt.Status.Run.Spec.BackupSource.Namespaces {
		sources = append(sources, ns.Name)
	}
	l.reading.Go(func() {
		asked.holds, asked.err = l.read(r.ctx, rt, backup, sources)
		l.mu.Lock()
		close(asked.ready)
		wakes := asked.wake
		asked.wake = nil
		l.mu.Unlock()
		for _, wake := range wakes {
			wake()
		}
	})
	return asked
}

// Drop forgets the lists of a test, for its run is reported.
func (l *Lists) Drop(key cache.ObjectName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(key)
}

func (l *Lists) end(key cache.ObjectName) {
	if r := l.of[key]; r != nil {
		r.stop()
		delete(l.of, key)
	}
}

// Close ends all requests and returns when none is left. What was asked for whoever works next asks for again.
func (l *Lists) Close() {
	l.mu.Lock()
	for key := range l.of {
		l.end(key)
	}
	l.mu.Unlock()
	l.reading.Wait()
}

// Ready is closed when the answer is there, or none will come.
func (l *List) Ready() <-chan struct{} { return l.ready }

// IsReady tells whether the answer is there, or none will come.
func (l *List) IsReady() bool {
	select {
	case <-l.ready:
		return true
	default:
		return false
	}
}

// Names returns what the backup holds, once the list is ready; the error says why that is not known.
func (l *List) Names() (sideeffects.Inventory, error) { return l.holds, l.err }
