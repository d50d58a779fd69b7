package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
	"github.com/kymaros/kymaros/test/plane"
)

var fenceFile = plane.Fence(root)

// TestTheFence makes every write of the matrix where there is no fence, where there is one, and where there is one and the
// ServiceAccounts are bound to cluster-admin by mistake. The first shows the holes, so that the others prove something.
func TestTheFence(t *testing.T) {
	fenceScene(t)
	t.Logf("%d rows", len(rows()))
	t.Run("off", func(t *testing.T) { tryAll(t, false, false) })
	installFence(t)
	t.Run("on", func(t *testing.T) { tryAll(t, true, false) })
	bindToClusterAdmin(t)
	t.Run("on, with cluster-admin", func(t *testing.T) { tryAll(t, true, true) })
	if *mutateFence != "" {
		t.Run("every part is needed", everyPartOfTheFenceIsNeeded)
	}
}

// TestAKindThatIsBeingDeletedIsWaitedOut: the tests share definitions, and the server refuses objects of one that ends.
func TestAKindThatIsBeingDeletedIsWaitedOut(t *testing.T) {
	all, err := parse([]byte(definition("fence.example.com", "v1", "Ending", "endings")))
	if err != nil {
		t.Fatal(err)
	}
	name := all[0].GetName()
	definitions := objects.Resource(crdResource)
	hold := func(finalizers string) error {
		_, err := definitions.Patch(background(t), name, types.MergePatchType, []byte(`{"metadata":{"finalizers":`+finalizers+`}}`), metav1.PatchOptions{})
		return err
	}
	applyObject(t, all[0])
	if err := hold(`["fence.example.com/held"]`); err != nil {
		t.Fatal(err)
	}
	if err := definitions.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	time.AfterFunc(time.Second, func() { released <- hold("null") })
	applyObject(t, all[0])
	now, err := definitions.Get(t.Context(), name, metav1.GetOptions{})
	if err := <-released; err != nil {
		t.Fatal(err)
	}
	if err != nil || now.GetDeletionTimestamp() != nil {
		t.Errorf("the definition is deleted at %v: %v", now.GetDeletionTimestamp(), err)
	}
}

// TestARunGoesThroughTheFence has the controller do all that it does in a run, under the fence.
func TestARunGoesThroughTheFence(t *testing.T) {
	installFence(t)
	aloneWith(t, noProof, true)
	for _, mode := range []v1alpha1.NetworkIsolation{v1alpha1.IsolationStrict, v1alpha1.IsolationGroup} {
		name := "fenced-" + string(mode)
		source(t, "src-"+name)
		rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.Sandbox.NetworkIsolation = mode
			rt.Spec.HealthChecks.PolicyRef = "web"
			rt.Spec.HistoryLimit = new(int32(1))
		})
		policy(t, rt.Namespace, "web")
		backup(t, name, sources(rt)...)
		rt, report := awaitEnd(t, createTest(t, rt))
		if report.Status.Result == v1alpha1.ResultFail || report.Status.Fence != v1alpha1.FenceIntact || report.Hygiene == nil {
			t.Errorf("result %s, score %d, fence %q, hygiene %v; %s", report.Status.Result, report.Status.Score, report.Status.Fence, report.Hygiene, story(rt))
		}
	}
}

func tryAll(t *testing.T, fence, bound bool) {
	t.Helper()
	red, err := failing(t.Context(), rows(), fence, bound)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range red {
		t.Error(r)
	}
}

// failing returns the rows whose outcome is another than they say, in their order.
func failing(ctx context.Context, all []row, fence, bound bool) ([]string, error) {
	clients := map[actor]asked{}
	for _, r := range all {
		if _, ok := clients[r.who]; !ok {
			c, err := as(r.who)
			if err != nil {
				return nil, err
			}
			clients[r.who] = c
		}
	}
	results := make([]string, len(all))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				r := all[i]
				got, err := outcome(r.do.try(ctx, clients[r.who]))
				if want := r.wants(fence, bound); !slices.Contains(strings.Split(want, " or "), got) || err != nil {
					results[i] = fmt.Sprintf("%s: %s, want %s (%v)", r.name, cmp.Or(got, "neither allowed nor refused"), want, err)
				}
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	wg.Wait()
	return slices.DeleteFunc(results, func(s string) bool { return s == "" }), nil
}

// fenceScene creates what the rows act on.
func fenceScene(t *testing.T) {
	t.Helper()
	for _, file := range []string{"testdata/snapshots.yaml", "testdata/fence.yaml"} {
		applyForTest(t, file)
	}
	for i := range 16 {
		fenceSource(t, fmt.Sprintf("fence-src-%02d", i), "fence-reader", "fence-operator")
	}
	fenceSource(t, "fence-src-readable", "fence-reader")
	for _, right := range []authorizationv1.SubjectAccessReviewSpec{
		{User: tester.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-src-readable", Verb: "list", Resource: "secrets"}},
		{User: tester.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-src-15", Verb: "create", Resource: "pods", Subresource: "exec"}},
		{User: tester.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-team", Verb: "create", Group: "restore.kymaros.io", Resource: "restoretests"}},
		{User: checker.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-team", Verb: "create", Group: "restore.kymaros.io", Resource: "healthcheckpolicies"}},
		{User: owner.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-team", Verb: "create", Resource: "pods"}},
		{User: node.user, Groups: []string{node.group}, ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "fence-team", Verb: "create", Resource: "serviceaccounts", Subresource: "token"}},
		{User: theVelero.user, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Resource: "namespaces"}},
	} {
		awaitRight(t, right)
	}
	fencePlaces(t)
	fenceVolumes(t)
	fenceEnds(t)
	fenceChecked(t)
	// The cluster has counted.
	eventually(t, stepTimeout, func(ctx context.Context) error {
		q, err := kube.CoreV1().ResourceQuotas("fence-sandbox").Get(ctx, quotaName, metav1.GetOptions{})
		if err == nil && len(q.Status.Hard) == 0 {
			err = errors.New("the quota is not counted")
		}
		return err
	})
}

// fenceSource creates a namespace in which the tester has the ClusterRoles.
func fenceSource(t *testing.T, name string, roles ...string) {
	t.Helper()
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}}
	applyObject(t, ns)
	for _, role := range roles {
		_, err := kube.RbacV1().RoleBindings(name).Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: tester.user}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func awaitRight(t *testing.T, right authorizationv1.SubjectAccessReviewSpec) {
	t.Helper()
	eventually(t, stepTimeout, func(ctx context.Context) error {
		review, err := kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: right}, metav1.CreateOptions{})
		if err == nil && !review.Status.Allowed {
			err = fmt.Errorf("%s may not %s %s", right.User, right.ResourceAttributes.Verb, right.ResourceAttributes.Resource)
		}
		return err
	})
}

func bindToClusterAdmin(t *testing.T) {
	t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "fence-too-much"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-controller"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-prober"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-dns"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-api"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-notify"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-archive"},
			{Kind: rbacv1.ServiceAccountKind, Namespace: canary.TargetNamespace, Name: guide.Name},
		},
	}
	if _, err := kube.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kube.RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	for _, user := range []string{theController.user, theDNS.user, theGuide.user, theAPI.user, theNotify.user, theArchive.user} {
		awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "*", Group: "*", Resource: "*"}})
	}
}

// applyForTest applies the files and takes their objects away at t's end.
func applyForTest(t *testing.T, pattern string) {
	t.Helper()
	all, err := readManifests(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		applyObject(t, o)
	}
}

// applyObject applies o and takes it away at t's end. One of that name that a test before has deleted is waited out: the server
// takes what is applied to it, and then ends it.
func applyObject(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	eventually(t, runTimeout, func(ctx context.Context) error {
		resource, err := resourceFor(o)
		if err != nil {
			return err
		}
		switch now, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{}); {
		case apierrors.IsNotFound(err):
		case err != nil:
			return err
		case now.GetDeletionTimestamp() != nil:
			return fmt.Errorf("%s %s of before is still being deleted", now.GetKind(), now.GetName())
		}
		if err := apply(ctx, o); err != nil || o.GetKind() != "CustomResourceDefinition" {
			return err
		}
		crd, err := resource.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err == nil && !isEstablished(crd) {
			err = errors.New(o.GetName() + " is not established")
		}
		return err
	})
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		resource, err := resourceFor(o)
		if err != nil {
			t.Error(err)
			return
		}
		if len(o.GetFinalizers()) > 0 {
			_, err = resource.Patch(ctx, o.GetName(), "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		}
		if err := resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}
