package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func namespace(name, source, run string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Annotations: map[string]string{v1alpha1.AnnotationSource: source},
		Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelGroup: run, v1alpha1.LabelGuarded: run},
	}}
}

func pod(namespace, ip string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pod"},
		Status:     corev1.PodStatus{Phase: phase, PodIPs: []corev1.PodIP{{IP: ip}}},
	}
}

func in[T metav1.Object](namespace string, o T) T {
	o.SetNamespace(namespace)
	return o
}

// follow follows the sandboxes of a cluster with those objects, and may see the content of all but those called strict.
func follow(t *testing.T, objects ...runtime.Object) (*fake.Clientset, *Sandboxes) {
	t.Helper()
	kube := fake.NewClientset(objects...)
	kube.PrependReactor("create", "selfsubjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview).DeepCopy()
		review.Status.Allowed = review.Spec.ResourceAttributes.Namespace != "strict"
		return true, review, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	sandboxes, err := NewSandboxes(ctx, kube)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	go func() { sandboxes.Run(ctx); close(ran) }()
	t.Cleanup(func() {
		cancel()
		<-ran
	})
	until(t, func() error {
		if !sandboxes.Ready() {
			return errors.New("not ready")
		}
		return nil
	})
	return kube, sandboxes
}

// serve starts a server for a cluster with those objects, and returns a resolver that asks it by that network.
func serve(t *testing.T, objects ...runtime.Object) (*fake.Clientset, func(network string) *net.Resolver) {
	t.Helper()
	kube, sandboxes := follow(t, objects...)
	ctx, cancel := context.WithCancel(t.Context())
	var listen net.ListenConfig
	// In this order: ports of connections that others have open are taken for TCP only.
	streams, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := listen.ListenPacket(ctx, "udp", streams.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- NewServer(sandboxes, "cluster.local").Serve(ctx, packets, streams) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return kube, func(network string) *net.Resolver {
		return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, packets.LocalAddr().String())
		}}
	}
}

func until(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

func lookup(t *testing.T, r *net.Resolver, name string) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return r.LookupHost(ctx, name)
}

func TestServe(t *testing.T) {
	var many []discoveryv1.Endpoint
	for i := range 200 {
		many = append(many, endpoint("", netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}).String(), true))
	}
	_, resolver := serve(t,
		namespace("sbx-shop", "shop", "run-1"), namespace("sbx-data", "data", "run-1"), namespace("sbx-other", "other", "run-2"),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "data"}},
		pod("sbx-shop", "127.0.0.1", corev1.PodRunning), pod("sbx-other", "127.0.0.1", corev1.PodSucceeded),
		in("sbx-data", clusterIP("db", "10.96.0.1")), in("data", clusterIP("db", "10.96.9.9")), in("data", clusterIP("new", "10.96.9.9")),
		in("sbx-other", clusterIP("db", "10.96.2.2")), in("sbx-shop", headless("web")), in("sbx-shop", slice("web", many...)),
	)
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Run("a name of production is the copy", func(t *testing.T) {
				if got, err := lookup(t, resolver(network), "db.data.svc.cluster.local."); err != nil || !slices.Equal(got, []string{"10.96.0.1"}) {
					t.Errorf("got %v, %v", got, err)
				}
			})
			for _, name := range []string{"new.data.svc.cluster.local.", "db.other.svc.cluster.local.", "kubernetes.default.svc.", "example.com."} {
				t.Run(name+" does not exist", func(t *testing.T) {
					got, err := lookup(t, resolver(network), name)
					var problem *net.DNSError
					if !errors.As(err, &problem) || !problem.IsNotFound || problem.IsTemporary || problem.IsTimeout {
						t.Errorf("got %v, %v", got, err)
					}
				})
			}
			t.Run("ports", func(t *testing.T) {
				_, got, err := resolver(network).LookupSRV(t.Context(), "http", "tcp", "db.data.svc.cluster.local.")
				if err != nil || len(got) != 1 || *got[0] != (net.SRV{Target: "db.data.svc.cluster.local.", Port: 80, Weight: 100}) {
					t.Errorf("got %v, %v", got, err)
				}
			})
		})
	}
	t.Run("an answer that is too long comes by TCP", func(t *testing.T) {
		if got, err := lookup(t, resolver("tcp"), "web.shop.svc."); err != nil || len(got) != 200 {
			t.Errorf("got %d addresses, %v", len(got), err)
		}
		if got, err := lookup(t, resolver("udp"), "web.shop.svc."); err != nil || len(got) == 0 || len(got) == 200 {
			t.Errorf("got %d addresses in a datagram, %v", len(got), err)
		}
	})
}

func TestWhoIsNoPodOfASandboxIsRefused(t *testing.T) {
	for name, objects := range map[string][]runtime.Object{
		"nobody":                          nil,
		"a pod of production":             {&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sbx"}}, pod("sbx", "127.0.0.1", corev1.PodRunning)},
		"a pod that has ended":            {namespace("sbx", "data", "run"), pod("sbx", "127.0.0.1", corev1.PodFailed)},
		"a pod with the node's address":   {namespace("sbx", "data", "run"), hostNetwork(pod("sbx", "127.0.0.1", corev1.PodRunning))},
		"a namespace that is in no group": {namespace("sbx", "data", ""), pod("sbx", "127.0.0.1", corev1.PodRunning)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, resolver := serve(t, append(objects, in("sbx", clusterIP("db", "10.96.0.1")))...)
			// TCP: with a datagram lost in between the resolver would ask twice.
			got, err := lookup(t, resolver("tcp"), "db.data.svc.")
			var problem *net.DNSError
			if err == nil || errors.As(err, &problem) && problem.IsNotFound {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func hostNetwork(p *corev1.Pod) *corev1.Pod {
	p.Spec.HostNetwork = true
	return p
}

func TestAPodWhoseAddressIsNotKnownYetGetsItsAnswer(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			kube, resolver := serve(t, namespace("sbx", "data", "run"), in("sbx", clusterIP("db", "10.96.0.1")), pod("sbx", "10.0.0.1", corev1.PodPending))
			answered := make(chan error)
			go func() {
				got, err := lookup(t, resolver(network), "db.data.svc.")
				if err == nil && !slices.Equal(got, []string{"10.96.0.1"}) {
					err = fmt.Errorf("got %v", got)
				}
				answered <- err
			}()
			select {
			case err := <-answered:
				t.Fatalf("an answer before the pod is known: %v", err)
			case <-time.After(200 * time.Millisecond):
			}
			if _, err := kube.CoreV1().Pods("sbx").Update(t.Context(), pod("sbx", "127.0.0.1", corev1.PodRunning), metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhoWaitsIsToldAtOnce(t *testing.T) {
	kube, sandboxes := follow(t, namespace("sbx", "data", "run"), pod("sbx", "10.0.0.1", corev1.PodPending))
	address := netip.MustParseAddr("127.0.0.1")
	_, known, changed := sandboxes.scopeOf(address)
	if known {
		t.Fatal("a pod is known by an address that it does not have")
	}
	if _, err := kube.CoreV1().Pods("sbx").Update(t.Context(), pod("sbx", "127.0.0.1", corev1.PodRunning), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told of the pod's address")
	}
	if _, known, _ := sandboxes.scopeOf(address); !known {
		t.Error("the pod is not known by its address")
	}
}

func TestNothingIsAskedForOutsideOfSandboxes(t *testing.T) {
	ours := namespace("ours", "data", "run")
	delete(ours.Labels, v1alpha1.LabelGroup)
	theirs := namespace("theirs", "data", "run")
	delete(theirs.Labels, v1alpha1.LabelManagedBy)
	kube, _ := follow(t, namespace("sbx", "data", "run"), ours, theirs)
	asked := 0
	for _, a := range kube.Actions() {
		ns := a.GetNamespace()
		if c, ok := a.(clienttesting.CreateAction); ok {
			if review, ok := c.GetObject().(*authorizationv1.SelfSubjectAccessReview); ok { // it is about a namespace, and in none
				ns = review.Spec.ResourceAttributes.Namespace
			}
		}
		switch {
		case ns == "sbx":
			asked++
		case ns != "" || a.GetResource().Resource != "namespaces":
			t.Errorf("%s %s in namespace %q", a.GetVerb(), a.GetResource().Resource, ns)
		}
	}
	if asked == 0 {
		t.Error("nothing is asked for in a sandbox")
	}
}

func TestSandboxesComeAndGo(t *testing.T) {
	kube, resolver := serve(t, namespace("sbx-shop", "shop", "run"), pod("sbx-shop", "127.0.0.1", corev1.PodRunning))
	found := func(want bool) func() error {
		return func() error {
			if got, err := lookup(t, resolver("udp"), "db.data.svc."); (err == nil) != want {
				return fmt.Errorf("got %v, %w", got, err)
			}
			return nil
		}
	}
	if err := found(false)(); err != nil {
		t.Fatal(err)
	}
	ns := namespace("sbx-data", "data", "run")
	if _, err := kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.CoreV1().Services("sbx-data").Create(t.Context(), in("sbx-data", clusterIP("db", "10.96.0.1")), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, found(true))
	// What counts is what the namespace says now.
	ns.Labels[v1alpha1.LabelGroup] = "another"
	if _, err := kube.CoreV1().Namespaces().Update(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, found(false))
	ns.Labels[v1alpha1.LabelGroup] = "run"
	if _, err := kube.CoreV1().Namespaces().Update(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, found(true))
	// The binding by which it may be seen goes before the namespace has gone.
	ns.DeletionTimestamp = new(metav1.Now())
	if _, err := kube.CoreV1().Namespaces().Update(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, found(false))
	if err := kube.CoreV1().Namespaces().Delete(t.Context(), "sbx-data", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, found(false))
}

func TestTrimKeepsNoMoreOfAPodThanItsAddresses(t *testing.T) {
	p := pod("sbx", "10.0.0.1", corev1.PodRunning)
	p.Spec.Containers = []corev1.Container{{Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "hunter2"}}}}
	got, err := trim(p)
	if err != nil || len(got.(*corev1.Pod).Spec.Containers) > 0 || len(got.(*corev1.Pod).Status.PodIPs) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Of a sandbox whose pods have no names nothing is asked, and nobody waits for it.
func TestASandboxThatItIsNotLetIntoIsLeftAlone(t *testing.T) {
	kube, _ := follow(t, namespace("strict", "shop", "other"), namespace("sbx", "shop", "run"), pod("sbx", "192.0.2.1", corev1.PodRunning))
	seen := false
	for _, a := range kube.Actions() {
		if a.Matches("list", "pods") {
			seen = seen || a.GetNamespace() == "sbx"
			if a.GetNamespace() == "strict" {
				t.Errorf("it asked for %v in a sandbox that it may not look into", a)
			}
		}
	}
	if !seen {
		t.Error("it did not ask for the pods of a sandbox that it may look into")
	}
}
