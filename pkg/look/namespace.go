package look

import (
	"context"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// namespace is one that is asked for once, by whoever needs it first.
type namespace struct {
	name     string
	asked    atomic.Bool
	answered chan struct{} // closed when the answer is there, which is what follows
	live     *corev1.Namespace
	err      error
}

func newNamespace(name string) *namespace {
	return &namespace{name: name, answered: make(chan struct{})}
}

func (n *namespace) get(ctx context.Context, kube kubernetes.Interface) (*corev1.Namespace, error) {
	if n.asked.Swap(true) {
		select {
		case <-n.answered:
			return n.live, n.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer close(n.answered)
	n.err = tried(ctx, func() (err error) {
		n.live, err = kube.CoreV1().Namespaces().Get(ctx, n.name, metav1.GetOptions{})
		return err
	})
	return n.live, n.err
}

// exists asks whether a source namespace is still there.
func (l *Look) exists(in *namespace) Request {
	return Request{what: "namespace " + in.name, topics: []Topic{Completeness}, do: func(ctx context.Context) error {
		live, err := in.get(ctx, l.k.Kube)
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err != nil || live.DeletionTimestamp != nil {
			l.note(func() { l.gone = append(l.gone, in.name) })
		}
		return nil
	}}
}

// ours fails if a namespace is no sandbox of the run.
func (l *Look) ours(ctx context.Context, in *namespace) error {
	live, err := in.get(ctx, l.k.Kube)
	if err != nil {
		return err
	}
	if live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || live.Labels[v1alpha1.LabelRun] != l.run.ID {
		return fmt.Errorf("namespace %s is no sandbox of this run", in.name)
	}
	return nil
}
