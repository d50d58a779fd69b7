package integration

import (
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The ConfigMaps of rules for Velero, in its namespace.
// groupModifiers are the rules for networkIsolation group, in a cluster with a default storage class.
const groupModifiers = "kymaros-group-modifiers"

func TestRestoredPodsOfAGroupAskOurDNS(t *testing.T) {
	t.Parallel()
	shared(t)
	configMaps := kube.CoreV1().ConfigMaps(veleroNamespace)
	// This cluster has no default storage class.
	const ours, theirs = "kymaros-group-no-class", "kymaros-sandbox-no-class"
	// As it is shipped, without the address.
	if err := applyFiles(t.Context(), filepath.Join(root, "manifests/27-no-class-modifiers.yaml")); err != nil {
		t.Fatal(err)
	}
	rt, r := inSandbox(t, "our-dns", func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup })
	if m := r.Spec.ResourceModifier; m == nil || m.Name != ours {
		t.Errorf("the Restore has the rules of %+v", m)
	}
	got, err := configMaps.Get(t.Context(), ours, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dns, err := kube.CoreV1().Services(systemNamespace).Get(t.Context(), "kymaros-dns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	static, err := configMaps.Get(t.Context(), theirs, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key := range static.Data {
		if text := got.Data[key]; len(got.Data) != 1 || !strings.Contains(text, dns.Spec.ClusterIP) || !strings.Contains(text, "svc.cluster.local") || !strings.Contains(text, "suspend: true") {
			t.Errorf("keys of ConfigMap %s: %d; %s:\n%s", ours, len(got.Data), key, text)
		}
	}
	finish(t, r)
	awaitEnd(t, rt)
}
