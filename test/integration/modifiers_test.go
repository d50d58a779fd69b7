package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The ConfigMaps of rules for Velero, in its namespace.
const (
	sandboxModifiers = "kymaros-sandbox-modifiers"
	groupModifiers   = "kymaros-group-modifiers"
)

func TestRestoredPodsOfAGroupAskOurDNS(t *testing.T) {
	t.Parallel()
	shared(t)
	configMaps := kube.CoreV1().ConfigMaps(veleroNamespace)
	stale := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: groupModifiers}, Data: map[string]string{"of-a-former-version": "version: v1"}}
	_, err := configMaps.Create(t.Context(), stale, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = configMaps.Update(t.Context(), stale, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	rt, r := inSandbox(t, "our-dns", func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup })
	if m := r.Spec.ResourceModifier; m == nil || m.Name != groupModifiers {
		t.Errorf("the Restore has the rules of %+v", m)
	}
	got, err := configMaps.Get(t.Context(), groupModifiers, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dns, err := kube.CoreV1().Services(systemNamespace).Get(t.Context(), "kymaros-dns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	static, err := configMaps.Get(t.Context(), sandboxModifiers, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key := range static.Data {
		if text := got.Data[key]; len(got.Data) != 1 || !strings.Contains(text, dns.Spec.ClusterIP) || !strings.Contains(text, "svc.cluster.local") || !strings.Contains(text, "suspend: true") {
			t.Errorf("keys of ConfigMap %s: %d; %s:\n%s", groupModifiers, len(got.Data), key, text)
		}
	}
	finish(t, r)
	awaitEnd(t, rt)
}
