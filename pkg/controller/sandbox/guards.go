package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/names"
)

// guard is one object that keeps a sandbox apart from the rest of the cluster.
type guard struct {
	what string        // "kind namespace/name"
	want metav1.Object // as it must be
	spec any           // want's spec
	have metav1.Object // as the cache shows it; nil if it does not
	same bool          // have's spec is want's
	// counted: the quota allows exactly as many of its kind as are ours.
	counted bool
	create  func(context.Context) error
	patch   func(ctx context.Context, patch []byte) error
}

// guards returns the guards of a sandbox, beside its namespace.
func (c *Controller) guards(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) ([]guard, error) {
	var all []guard
	for _, want := range guards.NetworkPolicies(rt, sandbox, c.system) {
		have, err := c.policies.NetworkPolicies(sandbox.Name).Get(want.Name)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
		client := c.kube.NetworkingV1().NetworkPolicies(sandbox.Name)
		g := guard{
			what: "NetworkPolicy " + sandbox.Name + "/" + want.Name, want: want, spec: want.Spec, counted: true,
			create: func(ctx context.Context) error {
				_, err := client.Create(ctx, want, createOptions)
				return err
			},
			patch: func(ctx context.Context, patch []byte) error {
				_, err := client.Patch(ctx, want.Name, types.JSONPatchType, patch, patchOptions)
				return err
			},
		}
		if err == nil {
			g.have, g.same = have, guards.SamePolicy(have, want)
		}
		all = append(all, g)
	}

	quotas := c.kube.CoreV1().ResourceQuotas(sandbox.Name)
	for _, want := range guards.Quotas(rt, sandbox) {
		have, err := c.quotas.ResourceQuotas(sandbox.Name).Get(want.Name)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
		g := guard{
			what: "ResourceQuota " + sandbox.Name + "/" + want.Name, want: want, spec: want.Spec,
			create: func(ctx context.Context) error {
				_, err := quotas.Create(ctx, want, createOptions)
				return err
			},
			patch: func(ctx context.Context, patch []byte) error {
				_, err := quotas.Patch(ctx, want.Name, types.JSONPatchType, patch, patchOptions)
				return err
			},
		}
		if err == nil {
			g.have, g.same = have, equality.Semantic.DeepEqual(have.Spec, want.Spec)
		}
		all = append(all, g)
	}
	return all, nil
}

// ensure creates g, or puts it back as it must be.
func (g *guard) ensure(ctx context.Context) error {
	if err := g.put(ctx); err != nil {
		return fmt.Errorf("put %s in place: %w", g.what, err)
	}
	return nil
}

func (g *guard) put(ctx context.Context) error {
	var refused error
	if g.have == nil {
		refused = g.create(ctx)
		if refused == nil || !apierrors.IsAlreadyExists(refused) && !apierrors.IsForbidden(refused) {
			return refused
		}
		// It may be there although the cache does not show it: not yet, or because it has lost our label. The patch suits
		// both. Forbidden: our own quota counts it and refuses what it takes for one more.
	}
	operations := []map[string]any{
		{"op": "add", "path": "/metadata/labels", "value": g.want.GetLabels()},
		{"op": "add", "path": "/metadata/annotations", "value": g.want.GetAnnotations()},
		{"op": "replace", "path": "/spec", "value": g.spec},
	}
	if finalizers := g.want.GetFinalizers(); len(finalizers) > 0 {
		operations = append(operations, map[string]any{"op": "add", "path": "/metadata/finalizers", "value": finalizers})
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return err
	}
	if err := g.patch(ctx, patch); apierrors.IsNotFound(err) && refused != nil {
		return refused
	} else if err != nil {
		return err
	}
	return nil
}

// state tells how g differs from what it must be: "", "missing", "deleted" or "changed".
func (g *guard) state() string {
	switch {
	case g.have == nil:
		return "missing"
	case !g.same:
		return "changed"
	case g.have.GetDeletionTimestamp() != nil:
		return "deleted" // and still in force: our finalizer holds it
	}
	return ""
}

// ensureNamespace returns the namespace of a sandbox, or nil when it does not exist yet, or why it cannot.
func (c *Controller) ensureNamespace(ctx context.Context, rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) (*corev1.Namespace, *verdict, error) {
	ns, err := c.namespaces.Get(sandbox.Name)
	if apierrors.IsNotFound(err) {
		want := guards.Namespace(rt, sandbox)
		ranges, wrong := c.ranges(ctx, sandbox.Source)
		if wrong != nil {
			return nil, nil, wrong
		}
		maps.Copy(want.Annotations, ranges)
		newborn, wrong := c.newborn(ctx, rt)
		if wrong != nil {
			return nil, nil, wrong
		}
		maps.Copy(want.Annotations, newborn)
		_, err = c.kube.CoreV1().Namespaces().Create(ctx, want, createOptions)
		switch {
		case err == nil:
			return nil, nil, nil
		case !apierrors.IsAlreadyExists(err):
			return nil, refusal(err, "namespace "+sandbox.Name), err
		}
		ns, err = c.kube.CoreV1().Namespaces().Get(ctx, sandbox.Name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, nil, err
	}
	if !ours(rt, ns) {
		return nil, taken(rt, sandbox), nil
	}
	if ns.DeletionTimestamp != nil {
		return nil, goes("Namespace " + ns.Name), nil
	}
	return ns, nil, nil
}

// ours tells whether ns was made for rt's current run. A namespace that was not is never adopted. One that somebody took the label
// managed-by from is ours still: it gets that back, or else cleanup would not find it.
func ours(rt *v1alpha1.RestoreTest, ns *corev1.Namespace) bool {
	marked := ns.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy || controller.HasFinalizer(ns)
	return marked && ns.Labels[v1alpha1.LabelRun] == rt.Status.Run.ID &&
		ns.Annotations[v1alpha1.AnnotationRestoreTest] == names.Annotations(rt)[v1alpha1.AnnotationRestoreTest]
}

// watchLabels has the labels of a sandbox put back: they are its Pod Security, its group and what cleanup finds it by.
func (c *Controller) watchLabels(rt *v1alpha1.RestoreTest, ns *corev1.Namespace, s *seen) {
	want := guards.Namespace(rt, v1alpha1.SandboxNamespace{Name: ns.Name, Source: ns.Annotations[v1alpha1.AnnotationSource]}).Labels
	lost := names.Lost(ns.Labels, want)
	if len(lost) == 0 {
		return
	}
	s.violations = append(s.violations, fmt.Sprintf("labels of Namespace %s were changed by somebody during the run", ns.Name))
	s.repairs = append(s.repairs, func(ctx context.Context) error {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": ns.UID, "labels": lost, "annotations": names.Annotations(rt)}})
		if err != nil {
			return err
		}
		if _, err := c.kube.CoreV1().Namespaces().Patch(ctx, ns.Name, types.MergePatchType, patch, patchOptions); err != nil {
			return fmt.Errorf("put the labels of namespace %s back: %w", ns.Name, err)
		}
		return nil
	})
}

var (
	createOptions = metav1.CreateOptions{FieldManager: controller.FieldManager(controller.Sandbox)}
	patchOptions  = metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Sandbox)}
)
