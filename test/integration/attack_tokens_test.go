package integration

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
)

// accountOf are our ServiceAccounts, and their namespaces.
var accountOf = map[string]string{"kymaros-controller": systemNamespace, "kymaros-prober": systemNamespace, "kymaros-dns": systemNamespace, "kymaros-api": systemNamespace, "kymaros-notify": systemNamespace, "kymaros-archive": systemNamespace, guide.Name: canary.TargetNamespace}

// TestNobodyButAKubeletGetsATokenOfOurs has somebody who may edit our namespaces ask for one.
func TestNobodyButAKubeletGetsATokenOfOurs(t *testing.T) {
	const by = "kymaros-tokens"
	pod, err := podOfTheController(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, ns := range []string{systemNamespace, canary.TargetNamespace} {
		text += bound(ns, "editor", "edit")
	}
	attackScene(t, text)
	for _, ns := range []string{systemNamespace, canary.TargetNamespace} {
		awaitRight(t, authorizationv1.SubjectAccessReviewSpec{User: "editor", ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: ns, Verb: "create", Resource: "serviceaccounts", Subresource: "token",
		}})
	}
	editor := clientsOf(t, actor{user: "editor"})
	request := func(pod *corev1.Pod) *authenticationv1.TokenRequest {
		r := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))}}
		if pod != nil {
			r.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
		}
		return r
	}
	token, err := editor.kube.CoreV1().ServiceAccounts(systemNamespace).CreateToken(t.Context(), "kymaros-controller", request(pod), metav1.CreateOptions{})
	if !refusedBy(t, "a token of the controller that is bound to its pod", by, err) {
		t.Errorf("with that token a namespace is created: %v", createsSandbox(t, token.Status.Token))
	}
	for account, ns := range accountOf {
		_, err := editor.kube.CoreV1().ServiceAccounts(ns).CreateToken(t.Context(), account, request(nil), metav1.CreateOptions{})
		refusedBy(t, "a token of "+account, by, err)
		refusedBy(t, "a Secret with a token of "+account, by, makes(t, actor{user: "editor"}, core("secrets"), ns, "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, "+
			"metadata: {name: attack-"+account+", annotations: {kubernetes.io/service-account.name: "+account+"}}}"))
	}
	_, err = editor.kube.CoreV1().ServiceAccounts(systemNamespace).CreateToken(t.Context(), "default", request(nil), metav1.CreateOptions{})
	if err != nil {
		t.Errorf("a token of another ServiceAccount: %v", err)
	}
	if err := makes(t, actor{user: "editor"}, core("secrets"), systemNamespace, "{apiVersion: v1, kind: Secret, metadata: {name: attack-plain}}"); err != nil {
		t.Errorf("a Secret of another type: %v", err)
	}
	kubeletGetsAToken(t, pod, request)
}

// createsSandbox creates, as a dry run, a sandbox with a token.
func createsSandbox(t *testing.T, token string) error {
	t.Helper()
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = token
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return creates(namespaces, "", sandboxNamespace).try(t.Context(), asked{objects: client})
}

// kubeletGetsAToken has a kubelet ask for the token of a pod of its node.
func kubeletGetsAToken(t *testing.T, like *corev1.Pod, request func(*corev1.Pod) *authenticationv1.TokenRequest) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "kymaros-controller-on-a-node"}, Spec: *like.Spec.DeepCopy()}
	pod.Spec.NodeName = "attack-node"
	pod.Spec.Volumes = []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
		ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(600))},
	}}}}}}
	pod, err := kube.CoreV1().Pods(systemNamespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kube.CoreV1().Pods(systemNamespace).Delete(background(t), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
			t.Error(err)
		}
	})
	config := rest.CopyConfig(admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:node:attack-node", Groups: []string{"system:nodes", "system:authenticated"}}
	kubelet, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error { // the authorizer of nodes learns of the pod a moment later
		_, err := kubelet.CoreV1().ServiceAccounts(systemNamespace).CreateToken(ctx, "kymaros-controller", request(pod), metav1.CreateOptions{})
		return err
	})
}

const tokenDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

// TestTokensOfOurPodsLiveTenMinutes: the one that the API server mounts by itself it makes good for a year.
func TestTokensOfOurPodsLiveTenMinutes(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range []string{"30-controller.yaml", "35-prober.yaml", "40-dns.yaml", "45-canary.yaml", "50-api.yaml", "55-notify.yaml", "archive/volume.yaml", "archive/bucket.yaml"} {
		all, err := readManifests(filepath.Join(root, "manifests", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if kind := o.GetKind(); kind != "Deployment" && kind != "DaemonSet" {
				continue
			}
			pod := podOf(t, o)
			_, ours := accountOf[pod.Spec.ServiceAccountName]
			if ours {
				seen[pod.Spec.ServiceAccountName] = true
			}
			if lives := tokensOf(pod); ours && (len(lives) != 1 || lives[0] != 600) || !ours && len(lives) > 0 {
				t.Errorf("%s %s: tokens of %v seconds", o.GetKind(), o.GetName(), lives)
			}
			if ours && !readsToken(&pod.Spec.Containers[0], pod) {
				t.Errorf("%s %s: no token in %s", o.GetKind(), o.GetName(), tokenDirectory)
			}
		}
	}
	for account := range accountOf {
		if !seen[account] {
			t.Errorf("no workload has ServiceAccount %s", account)
		}
	}
}

// podOf returns the pod of a workload as the API server would have it.
func podOf(t *testing.T, workload *unstructured.Unstructured) *corev1.Pod {
	t.Helper()
	template, _, err := unstructured.NestedMap(workload.Object, "spec", "template")
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template, pod); err != nil {
		t.Fatal(err)
	}
	pod.GenerateName = workload.GetName() + "-"
	eventually(t, stepTimeout, func(ctx context.Context) error { // a new namespace has no ServiceAccount default for a moment
		created, err := kube.CoreV1().Pods(workload.GetNamespace()).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && created.Spec.ServiceAccountName == "" {
			err = errors.New("no ServiceAccount")
		}
		if err == nil {
			pod = created
		}
		return err
	})
	return pod
}

// tokensOf returns how many seconds the tokens live that a pod mounts.
func tokensOf(pod *corev1.Pod) []int64 {
	var all []int64
	for _, v := range pod.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil {
				all = append(all, *s.ServiceAccountToken.ExpirationSeconds)
			}
		}
	}
	return all
}

// readsToken tells whether client-go finds in the container what it looks for in a cluster.
func readsToken(c *corev1.Container, pod *corev1.Pod) bool {
	for _, m := range c.VolumeMounts {
		if m.MountPath != tokenDirectory {
			continue
		}
		for _, v := range pod.Spec.Volumes {
			if v.Name != m.Name || v.Projected == nil {
				continue
			}
			var token, authority bool
			for _, s := range v.Projected.Sources {
				token = token || s.ServiceAccountToken != nil && s.ServiceAccountToken.Path == "token"
				authority = authority || s.ConfigMap != nil && s.ConfigMap.Name == "kube-root-ca.crt"
			}
			return token && authority
		}
	}
	return false
}
