// Package look is the one look at the source namespaces and the sandboxes of a run: a table of place and kind, of which every list is
// read page by page and thrown away, so that memory does not grow with what the namespaces hold. Each object is handed to observers.
// What they conclude is not known here; only what cannot be told if something could not be read.
package look

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// Timeout bounds one look, so that of the sync that makes it enough is left to write what was seen.
const Timeout = 20 * time.Second

// turns is how many runs are looked at at a time. All share the requests that the process may make, and with more of them, of many
// namespaces each, none would be done in its time.
const turns = 2

// Clients are what a look asks by.
type Clients struct {
	Kube     kubernetes.Interface
	Metadata metadata.Interface
	Dynamic  dynamic.Interface
	Velero   versioned.Interface
	// VeleroNamespace is where Velero and its objects are.
	VeleroNamespace string
}

// Looker makes looks. Safe for concurrent use, as long as its clients stay.
type Looker struct {
	Clients
	// turns holds the runs that are looked at.
	turns  chan struct{}
	absent absent
}

// New returns a Looker.
func New(c Clients) *Looker { return &Looker{Clients: c, turns: make(chan struct{}, turns)} }

// Turn waits until it is the caller's turn to look, which lasts until it calls done. It fails if ctx ends before.
func (k *Looker) Turn(ctx context.Context) (done func(), err error) {
	select {
	case k.turns <- struct{}{}:
		return func() { <-k.turns }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the looks at other runs: %w", ctx.Err())
	}
}

// Observer is handed every object of the table, one at a time. What it is handed it must not change, nor keep more of than it needs.
type Observer interface {
	// Source is handed an object of a source namespace. Of kinds of which production's content is nobody's business it is metadata only.
	Source(namespace string, kind schema.GroupKind, o metav1.Object)
	// Sandbox is handed an object of the sandbox for a source namespace.
	Sandbox(source string, kind schema.GroupKind, o metav1.Object)
}

// Teller is an Observer with what it makes of all that it was handed so far. Result is asked for while no requests are made.
type Teller[R any] interface {
	Observer
	Result() R
}

// Besides is an Observer that is also handed what belongs to a run and is in none of its namespaces.
type Besides interface {
	Beside(o runtime.Object)
}

// Run is what is looked at.
type Run struct {
	ID string
	// Restore is the name of its Velero Restore, Backup that of the backup.
	Restore, Backup string
	Namespaces      []v1alpha1.SandboxNamespace
}

// Look is one look at a run.
type Look struct {
	// Unread is what could not be read. It may be used while no requests are made.
	Unread Unread

	k         *Looker
	run       Run
	observers []*serial

	mu   sync.Mutex // guards what follows
	gone []string
	read map[listed]bool
}

// listed is a list that was read to its end.
type listed struct {
	place  Place
	kind   schema.GroupKind
	source string
}

// serial has an observer do one thing at a time.
type serial struct {
	Observer
	mu sync.Mutex
}

// Look returns a look at a run of which nothing was read. Observers see what its requests bring.
func (k *Looker) Look(run Run, observers ...Observer) *Look {
	l := &Look{k: k, run: run, read: map[listed]bool{}}
	for _, o := range observers {
		l.observers = append(l.observers, &serial{Observer: o})
	}
	return l
}

// Gone returns the source namespaces that do not exist any more, sorted.
func (l *Look) Gone() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(slices.Values(l.gone))
}

// Read tells whether all objects of a kind were read in a place of a source namespace.
func (l *Look) Read(place Place, kind schema.GroupKind, source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read[listed{place, kind, source}]
}

func (l *Look) note(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

// hand hands something to every observer.
func (l *Look) hand(to func(Observer)) {
	for _, o := range l.observers {
		o.mu.Lock()
		to(o.Observer)
		o.mu.Unlock()
	}
}

func (l *Look) handBeside(o runtime.Object) {
	l.hand(func(to Observer) {
		if b, ok := to.(Besides); ok {
			b.Beside(o)
		}
	})
}
