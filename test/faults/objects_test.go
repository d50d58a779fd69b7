package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// ours returns a resource of ours.
func ours(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: resource}
}

// object is something that a run needs or makes.
type object struct {
	what     string
	resource schema.GroupVersionResource
	// find returns namespace and name of that of a victim; no name if there is none.
	find func(ctx context.Context, v *victim) (namespace, name string, err error)
	// edit is what somebody changes of it, as a merge patch.
	edit string
	// guards, noBackup: see victim.
	guards, noBackup bool
	// mend makes good that it was deleted or edited.
	mend func(ctx context.Context, v *victim) error
}

var objects = []object{
	{
		what: "RestoreTest", resource: ours("restoretests"), find: inScene,
		edit: `{"spec":{"timeout":"50m"}}`,
	},
	{
		what: "HealthCheckPolicy", resource: ours("healthcheckpolicies"), find: inScene,
		edit: `{"spec":{"checks":[{"name":"other","type":"podStatus","podStatus":{"labelSelector":{"app":"web"},"minReady":1}}]}}`,
		mend: func(ctx context.Context, v *victim) error { return ignore(v.policy(ctx), apierrors.IsAlreadyExists) },
	},
	{
		what: "Backup", resource: velerov1.SchemeGroupVersion.WithResource("backups"),
		find: func(_ context.Context, v *victim) (string, string, error) { return plane.VeleroNamespace, v.name, nil },
		edit: `{"status":{"phase":"Deleting"}}`, noBackup: true,
		mend: func(ctx context.Context, v *victim) error {
			backups := cluster.Kymaros.VeleroV1().Backups(plane.VeleroNamespace)
			if err := backups.Delete(ctx, v.name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
			return v.backup(ctx)
		},
	},
	{
		what: "Restore", resource: velerov1.SchemeGroupVersion.WithResource("restores"),
		find: func(ctx context.Context, v *victim) (string, string, error) {
			return first(ctx, velerov1.SchemeGroupVersion.WithResource("restores"), plane.VeleroNamespace, v)
		},
		edit: `{"metadata":{"labels":{"kymaros.io/managed-by":null}}}`,
	},
	{
		what: "sandbox namespace", resource: corev1.SchemeGroupVersion.WithResource("namespaces"),
		find: func(ctx context.Context, v *victim) (string, string, error) {
			name, err := v.sandbox(ctx)
			return "", name, err
		},
		edit: `{"metadata":{"labels":{"kymaros.io/managed-by":null}}}`, guards: true,
	},
	guard("NetworkPolicy", networkingv1.SchemeGroupVersion.WithResource("networkpolicies"), `{"spec":{"egress":[{}]}}`),
	guard("ResourceQuota", corev1.SchemeGroupVersion.WithResource("resourcequotas"), `{"spec":{"hard":{"pods":"0"}}}`),
	guard("LimitRange", corev1.SchemeGroupVersion.WithResource("limitranges"), `{"spec":{"limits":[{"type":"Container","max":{"cpu":"1m"}}]}}`),
}

func guard(what string, resource schema.GroupVersionResource, edit string) object {
	return object{what: what, resource: resource, edit: edit, guards: true, find: func(ctx context.Context, v *victim) (string, string, error) {
		sandbox, err := v.sandbox(ctx)
		if err != nil || sandbox == "" {
			return "", "", err
		}
		return first(ctx, resource, sandbox, v)
	}}
}

func inScene(_ context.Context, v *victim) (string, string, error) {
	return v.scene.namespace, v.name, nil
}

// sandbox returns the name of v's sandbox, or "".
func (v *victim) sandbox(ctx context.Context) (string, error) {
	_, name, err := first(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), "", v)
	return name, err
}

// first returns the first of those objects that are ours and v's.
func first(ctx context.Context, resource schema.GroupVersionResource, namespace string, v *victim) (string, string, error) {
	list, err := cluster.Objects.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + v.name})
	if err != nil || len(list.Items) == 0 {
		return "", "", err
	}
	return list.Items[0].GetNamespace(), list.Items[0].GetName(), nil
}

// remove deletes an object, with what keeps others from doing so. Finalizers that keep a run's objects until they are cleaned up stay.
func (o object) remove(ctx context.Context, v *victim) (bool, error) {
	namespace, name, err := o.find(ctx, v)
	if err != nil || name == "" {
		return false, err
	}
	of := cluster.Objects.Resource(o.resource).Namespace(namespace)
	if o.guards && namespace != "" {
		if _, err := of.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
			return false, ignore(err, apierrors.IsNotFound)
		}
	}
	err = of.Delete(ctx, name, metav1.DeleteOptions{})
	return err == nil, ignore(err, apierrors.IsNotFound)
}

// change edits an object.
func (o object) change(ctx context.Context, v *victim) (bool, error) {
	namespace, name, err := o.find(ctx, v)
	if err != nil || name == "" {
		return false, err
	}
	var after *unstructured.Unstructured
	after, err = cluster.Objects.Resource(o.resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(o.edit), metav1.PatchOptions{})
	return err == nil && after.GetDeletionTimestamp() == nil, ignore(err, apierrors.IsNotFound)
}

func TestARunSurvivesThatItsObjectsAreDeletedOrEditedAfterEachOfItsWrites(t *testing.T) {
	n := writes(t)
	t.Parallel()
	var all []*victim
	for nth := 1; nth <= n; nth++ {
		for _, o := range objects {
			for _, deed := range []struct {
				verb string
				do   func(context.Context, *victim) (bool, error)
			}{{"deleted", o.remove}, {"edited", o.change}} {
				v := newVictim(o.what+" "+deed.verb, fmt.Sprintf("after write %d", nth))
				v.touches, v.guards, v.noBackup = o.what, o.guards, o.noBackup
				v.deleted = o.what == "RestoreTest" && deed.verb == "deleted"
				if o.mend != nil {
					v.mend = func(ctx context.Context) error { return o.mend(ctx, v) }
				}
				v.shot = &shot{match: (*request).writes, nth: nth, do: after(v.kind, func(ctx context.Context) (bool, error) { return deed.do(ctx, v) })}
				all = append(all, v)
			}
		}
	}
	for some := range slices.Chunk(sample(all, 0.25), atOnce) {
		s := stage(t, some...)
		s.begin(t)
		s.verify(t)
	}
}

// What keeps a sandbox from going keeps nothing else: the line moves on. When it is let go, the sandbox goes too.
func TestASandboxThatDoesNotGoHoldsNobodyUp(t *testing.T) {
	clean(t)
	t.Parallel()
	const kind = "sandbox stuck Terminating"
	stuck, other := newVictim(kind, "with an object that has a finalizer"), newVictim(kind, "beside it")
	var held string
	stuck.shot = &shot{match: func(r *request) bool { return r.verb == "create" && r.resource == "restores" }, nth: 1, do: after(kind, func(ctx context.Context) (bool, error) {
		sandbox, err := stuck.sandbox(ctx)
		if err != nil || sandbox == "" {
			return false, errors.Join(err, errors.New("no sandbox"))
		}
		held = sandbox
		_, err = cluster.Kube.CoreV1().ConfigMaps(sandbox).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}},
		}, metav1.CreateOptions{})
		return true, err
	})}
	s := stage(t, stuck, other)
	s.begin(t)
	s.await(t, func(rt *v1alpha1.RestoreTest) error {
		if rt.Name == stuck.name {
			return reported(rt)
		}
		return ended(rt)
	})
	rt, err := stuck.current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ended(rt) == nil {
		t.Fatalf("the sandbox is not stuck: %s", story(rt))
	}
	next := newVictim(kind, "after it")
	after := stage(t, next)
	after.begin(t)
	after.verify(t)
	if _, err := cluster.Kube.CoreV1().ConfigMaps(held).Patch(t.Context(), "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.verify(t)
}
