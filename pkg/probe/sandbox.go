package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// candidates returns the sandboxes in which the target of a check may be: that of the source namespace it names, else all.
func candidates(source string, sandboxes []v1alpha1.SandboxNamespace) ([]v1alpha1.SandboxNamespace, error) {
	if len(sandboxes) == 0 {
		return nil, fmt.Errorf("the run has no sandbox")
	}
	if source == "" {
		return sandboxes, nil
	}
	known := make([]string, 0, len(sandboxes))
	for _, s := range sandboxes {
		if s.Source == source {
			return []v1alpha1.SandboxNamespace{s}, nil
		}
		known = append(known, s.Source)
	}
	return nil, fmt.Errorf("namespace %q of the check is no source namespace of the test (it has %s)", source, strings.Join(known, ", "))
}

// locate returns the sandbox in which find finds the target of a check, and what it found. It fails if there are two: to
// check only one of them would be to pass what nobody looked at.
func locate[T any](ctx context.Context, p *Prober, among []v1alpha1.SandboxNamespace, what string, find func(ctx context.Context, namespace string) (T, bool, error)) (T, v1alpha1.SandboxNamespace, error) {
	var none, target T
	var in []v1alpha1.SandboxNamespace
	for _, sandbox := range among {
		got, found, err := find(ctx, sandbox.Name)
		if err != nil {
			return none, sandbox, fmt.Errorf("look for %s in %s: %w", what, where(sandbox), err)
		}
		if found {
			target, in = got, append(in, sandbox)
		}
	}
	switch len(in) {
	case 0:
		return none, v1alpha1.SandboxNamespace{}, fmt.Errorf("%s not found in %s", what, places(among))
	case 1:
		return target, in[0], p.guard(ctx, in[0])
	}
	return none, in[0], finalf("%s is in several sandboxes: %s; set namespace in the check", what, places(in))
}

// guard refuses a namespace that is no sandbox. The names come from a status, which somebody might have edited: no check
// may ever run in another namespace for that. One that is gone, or going, has nothing to tell about the application either.
func (p *Prober) guard(ctx context.Context, sandbox v1alpha1.SandboxNamespace) error {
	namespace, err := read(ctx, func(ctx context.Context) (*corev1.Namespace, error) {
		return p.kube.CoreV1().Namespaces().Get(ctx, sandbox.Name, metav1.GetOptions{})
	})
	switch {
	case apierrors.IsNotFound(err):
		return untold{fmt.Errorf("namespace %s is gone", sandbox.Name)}
	case err != nil:
		return fmt.Errorf("get namespace %s: %w", sandbox.Name, err)
	case namespace.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || (sandbox.UID != "" && sandbox.UID != namespace.UID):
		return untold{fmt.Errorf("namespace %s is not the sandbox of this run", sandbox.Name)}
	case namespace.DeletionTimestamp != nil:
		return untold{fmt.Errorf("namespace %s is being deleted", sandbox.Name)}
	}
	return nil
}

// unlost returns err, of a check that failed, unless a sandbox was lost meanwhile: then that is what there is to say.
func (p *Prober) unlost(ctx context.Context, sandboxes []v1alpha1.SandboxNamespace, err error) error {
	for _, sandbox := range sandboxes {
		if lost := p.guard(ctx, sandbox); ctx.Err() == nil && errors.As(lost, &untold{}) {
			return lost
		}
	}
	return err
}

func where(sandbox v1alpha1.SandboxNamespace) string {
	return fmt.Sprintf("%s (sandbox of %s)", sandbox.Name, sandbox.Source)
}

func places(among []v1alpha1.SandboxNamespace) string {
	all := make([]string, 0, len(among))
	for _, sandbox := range among {
		all = append(all, where(sandbox))
	}
	return strings.Join(all, ", ")
}
