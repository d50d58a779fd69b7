package integration

import (
	"context"
	"fmt"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
)

// The guide works with the rights of the manifests, and what it wrote outlives that they are applied again.
func TestTheGuideOfCanariesKeepsTheirAddresses(t *testing.T) {
	t.Parallel()
	token, err := kube.CoreV1().ServiceAccounts(canary.TargetNamespace).CreateToken(t.Context(), "kymaros-canary-guide", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = token.Status.Token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g, err := guide.New(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	var services []any
	for _, service := range []struct{ namespace, name string }{
		{canary.TargetNamespace, "canary-target"}, {canary.Namespace, "canary-fenced"}, {canary.Namespace, "canary-fenced-local"},
	} {
		is, err := kube.CoreV1().Services(service.namespace).Get(t.Context(), service.name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		services = append(services, is.Spec.ClusterIP)
	}
	holds := func(want string) {
		t.Helper()
		eventually(t, stepTimeout, func(ctx context.Context) error {
			have, err := kube.CoreV1().ConfigMaps(canary.Namespace).Get(ctx, canary.ConfigMap, metav1.GetOptions{})
			if err == nil && have.Data[canary.AddressesKey] != want {
				err = fmt.Errorf("it holds %v, want %s", have.Data, want)
			}
			return err
		})
	}
	none := fmt.Sprintf(`{"service":%q,"pods":{},"fenced":%q,"fencedLocal":%q}`, services...)
	pod := canaryPod("target-of-the-guide", "node-of-the-guide", "canary-target")
	pods := kube.CoreV1().Pods(canary.TargetNamespace)
	eventually(t, stepTimeout, func(ctx context.Context) error { // a new namespace has no service account for a moment
		_, err := pods.Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "10.1.0.1", PodIPs: []corev1.PodIP{{IP: "10.1.0.1"}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	if _, err := pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	one := fmt.Sprintf(`{"service":%q,"pods":{"node-of-the-guide":"10.1.0.1"},"fenced":%q,"fencedLocal":%q}`, services...)
	holds(one)
	if err := installCanaries(t.Context()); err != nil {
		t.Fatal(err)
	}
	have, err := kube.CoreV1().ConfigMaps(canary.Namespace).Get(t.Context(), canary.ConfigMap, metav1.GetOptions{})
	if err != nil || have.Data[canary.AddressesKey] != one {
		t.Errorf("after the manifests were applied again it holds %v, %v", have, err)
	}
	if err := pods.Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	holds(none)
}
