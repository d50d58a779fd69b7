// Package gather looks at a cluster for the coverage, with the rights of whoever wants to know. What they may not see it says.
package gather

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

const (
	// pageSize is how many objects are read at a time; of most no more than some fields are kept.
	pageSize = 500
	// maxPages of one kind are read.
	maxPages = 100
)

// Place is where to look.
type Place struct {
	Core    typedcorev1.CoreV1Interface
	Kymaros versioned.Interface
	// VeleroNamespace is where the backups are.
	VeleroNamespace string
	// Namespace is the only one to look at; empty: all.
	Namespace string
}

// Unseen is what was not looked at.
type Unseen struct {
	// Resource with its group, as in podvolumebackups.velero.io, and the namespace of the list, empty for all.
	Resource, Namespace string
	// TooMany: the list goes on after what was read of it. Otherwise it is forbidden.
	TooMany bool
}

// Right is what it takes to see it.
func (u Unseen) Right() string { return list{resource: u.Resource, namespace: u.Namespace}.right() }

// NeededError says that what cannot be seen is needed: without namespaces and backups nothing is known of anything.
type NeededError struct {
	// Right is what it takes.
	Right string
	// Namespaces tells that it is those; otherwise it is backups.
	Namespaces bool
	Err        error
}

func (e *NeededError) Error() string { return e.Right + ": " + e.Err.Error() }

// Unwrap returns what the API server said.
func (e *NeededError) Unwrap() error { return e.Err }

// Look fills in what clusters and backups tell; tests and reports are the caller's. It returns what could not be seen, which counts
// as not proven, and a *NeededError where nothing can be told.
func (p Place) Look(ctx context.Context, in *coverage.Input) (unseen []Unseen, err error) {
	in.VeleroNamespace, in.Locations = p.VeleroNamespace, map[string]string{}
	if err := p.namespaces(ctx, in); err != nil {
		return nil, err
	}
	found := &holdings{byLabel: map[string][]volumes.Backed{}}
	backups := p.backups(ctx, in)
	if tooMany, err := backups.read(); err != nil {
		return nil, &NeededError{backups.right(), false, err}
	} else if tooMany {
		unseen, in.Unseen = append(unseen, Unseen{backups.resource, backups.namespace, true}), append(in.Unseen, backups.doubt...)
	}
	look := func(lists ...list) error {
		for _, l := range lists {
			tooMany, err := l.read()
			switch {
			case tooMany, apierrors.IsForbidden(err):
				unseen = append(unseen, Unseen{l.resource, l.namespace, tooMany})
				in.Unseen = append(in.Unseen, l.doubt...)
			case err != nil && !apierrors.IsNotFound(err): // of a kind that is not there, there is none
				return err
			}
		}
		return nil
	}
	if err := look(p.claims(ctx, in), p.schedules(ctx, in), p.locations(ctx, in)); err != nil {
		return nil, err
	}
	before := len(unseen)
	if err := look(p.podVolumeBackups(ctx, found), p.dataUploads(ctx, found)); err != nil {
		return nil, err
	}
	if len(unseen) == before { // otherwise nothing is said of what a backup holds
		in.Held = map[string][]volumes.Backed{}
		for _, b := range in.Backups {
			in.Held[b.Name] = found.byLabel[velero.LabelValue(b.Name)]
		}
	}
	if found.unnamed { // only pods tell which claim a backup of a pod's volume is of
		err = look(p.pods(ctx, in))
	}
	return unseen, err
}

func (p Place) namespaces(ctx context.Context, in *coverage.Input) error {
	if p.Namespace != "" {
		ns, err := p.Core.Namespaces().Get(ctx, p.Namespace, metav1.GetOptions{})
		if err != nil {
			return &NeededError{"get namespaces in namespace " + p.Namespace, true, err}
		}
		in.Namespaces = []corev1.Namespace{*ns}
		return nil
	}
	all := list{"namespaces", "", nil, func(o metav1.ListOptions) (string, error) {
		l, err := p.Core.Namespaces().List(ctx, o)
		return took(l, err, func() {
			for i := range l.Items {
				l.Items[i].ManagedFields = nil
			}
			in.Namespaces = append(in.Namespaces, l.Items...)
		})
	}}
	tooMany, err := all.read()
	if tooMany {
		err = fmt.Errorf("there are more than %d namespaces: ask for one", maxPages*pageSize)
	}
	if err != nil {
		return &NeededError{"list namespaces", true, err}
	}
	return nil
}
