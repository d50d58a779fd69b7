package report

import (
	"context"
	"sync"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// backupLists are the lists of backups that Velero is asked for, beside the workers: it may take its time, or never answer. A run's is asked
// for while its application is checked, once, and kept until the run is reported.
type backupLists struct {
	read func(ctx context.Context, rt *v1alpha1.RestoreTest, backup *velerov1.Backup, sources []string) (sideeffects.Inventory, error)
	wake func(cache.ObjectName)

	mu      sync.Mutex
	of      map[cache.ObjectName]*list
	reading sync.WaitGroup
}

// list is what the backup of a run holds. holds and err may be read once ready is closed.
type list struct {
	runID string
	stop  context.CancelFunc
	ready chan struct{}
	holds sideeffects.Inventory
	err   error
}

// ask returns the list of rt's backup, which it asks for if nobody has. When it is ready, the test is woken.
func (l *backupLists) ask(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, backup *velerov1.Backup) *list {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := l.of[key]
	if asked != nil && asked.runID == rt.Status.Run.ID {
		return asked
	}
	l.end(key)
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	asked = &list{runID: rt.Status.Run.ID, stop: stop, ready: make(chan struct{})}
	if l.of == nil {
		l.of = map[cache.ObjectName]*list{}
	}
	l.of[key] = asked
	var sources []string
	for _, ns := range rt.Status.Run.Spec.BackupSource.Namespaces {
		sources = append(sources, ns.Name)
	}
	l.reading.Go(func() {
		asked.holds, asked.err = l.read(ctx, rt, backup, sources)
		close(asked.ready)
		l.wake(key)
	})
	return asked
}

// drop forgets the list of a test, for its run is reported.
func (l *backupLists) drop(key cache.ObjectName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end(key)
}

func (l *backupLists) end(key cache.ObjectName) {
	if asked := l.of[key]; asked != nil {
		asked.stop()
		delete(l.of, key)
	}
}

// close ends all requests and returns when none is left.
func (l *backupLists) close() {
	l.mu.Lock()
	for key := range l.of {
		l.end(key)
	}
	l.mu.Unlock()
	l.reading.Wait()
}

// isReady tells whether the answer is there, or none will come.
func (l *list) isReady() bool {
	select {
	case <-l.ready:
		return true
	default:
		return false
	}
}
