package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/plane"
)

// bornOn makes canaries by hand that prove isolation on a node. The fenced one says what it saw when it began.
func bornOn(t *testing.T, node, message string) {
	t.Helper()
	canaryOn(t, node, "canary-control", true)
	fenced := canaryOn(t, node, "canary-fenced", true)
	now := metav1.NewTime(time.Now().Add(-time.Hour))
	patch, err := json.Marshal(map[string]any{"status": corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{
		Name: canary.BirthContainer, Ready: true, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Message: message, StartedAt: now, FinishedAt: now, ContainerID: "containerd://born",
		}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kube.CoreV1().Pods(canary.Namespace).Patch(t.Context(), fenced, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

// installNewborn has the policy of manifests/newborn in force until the end of the test: others look what pods of sandboxes get without.
func installNewborn(t *testing.T) {
	t.Helper()
	pattern := filepath.Join(root, "manifests/newborn/*.yaml")
	if err := applyFiles(t.Context(), pattern); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		all, err := readManifests(pattern)
		if err != nil {
			t.Error(err)
		}
		for _, o := range all {
			r, err := resourceFor(o)
			if err == nil {
				err = r.Delete(context.WithoutCancel(t.Context()), o.GetName(), metav1.DeleteOptions{})
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// TestANewPodOfASandboxHasGateClassAndDNS has the controller for itself, for canaries are one for the whole cluster.
func TestANewPodOfASandboxHasGateClassAndDNS(t *testing.T) {
	plane.Slow(t)
	aloneWith(t, "require", noFence)
	installNewborn(t)
	const target = "10.96.44.44"
	bornOn(t, "node-born", `{"targets":2,"answers":3,"moment":120,"quiet":true,"service":"`+target+`"}`)
	rt, r := inSandbox(t, "newborn", func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup })
	if m := rt.Status.Sandbox.Moment; m == nil || m.State != v1alpha1.MomentSeen || m.Longest != "120ms" {
		t.Errorf("moment %+v", m)
	}
	sandbox := rt.Status.SandboxNamespace
	dns, err := kube.CoreV1().Services(systemNamespace).Get(t.Context(), "kymaros-dns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ns, err := kube.CoreV1().Namespaces().Get(t.Context(), sandbox, metav1.GetOptions{})
	if err != nil || ns.Annotations[v1alpha1.AnnotationGateTarget] != target || ns.Annotations[v1alpha1.AnnotationNameserver] != dns.Spec.ClusterIP {
		t.Fatalf("the sandbox says %v, %v", ns.Annotations, err)
	}
	spec := corev1.PodSpec{
		PriorityClassName: "system-cluster-critical", // a template of production
		InitContainers:    []corev1.Container{{Name: "setup", Image: "setup"}},
		Containers:        []corev1.Container{{Name: "web", Image: "web"}},
	}
	// The policy counts a moment after it was made.
	eventually(t, stepTimeout, func(ctx context.Context) error {
		probe := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe"}, Spec: spec}
		got, err := kube.CoreV1().Pods(sandbox).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && got.Spec.InitContainers[0].Name != "kymaros-gate" {
			err = errors.New("there is no gate")
		}
		return err
	})
	made := func(namespace string) corev1.PodSpec {
		t.Helper()
		labels := map[string]string{"app": "later"}
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "later"},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
			},
		}
		if _, err := kube.AppsV1().Deployments(namespace).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		var pod corev1.Pod
		eventually(t, stepTimeout, func(ctx context.Context) error {
			all, err := kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=later"})
			if err == nil && len(all.Items) != 1 {
				err = fmt.Errorf("%d pods", len(all.Items))
			}
			if err == nil {
				pod = all.Items[0]
			}
			return err
		})
		if err := kube.AppsV1().Deployments(namespace).Delete(t.Context(), "later", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		return pod.Spec
	}

	got := made(sandbox)
	want := corev1.Container{
		Name: "kymaros-gate", Image: "ghcr.io/kymaros/kymaros:v0.1.0", Command: []string{"/kymaros-canary", "--role=gate", "--target=" + target},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m"), corev1.ResourceMemory: resource.MustParse("8Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("48Mi")},
		},
		TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError, ImagePullPolicy: corev1.PullIfNotPresent,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), RunAsNonRoot: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	if len(got.InitContainers) != 2 || got.InitContainers[1].Name != "setup" {
		t.Fatalf("init containers %+v", got.InitContainers)
	}
	gate := got.InitContainers[0]
	gate.VolumeMounts = nil // the token that every container gets
	if diff := cmp.Diff(want, gate); diff != "" {
		t.Error(diff)
	}
	if got.PriorityClassName != "kymaros-sandbox" || got.Priority == nil || *got.Priority != -1000 || got.PreemptionPolicy == nil || *got.PreemptionPolicy != corev1.PreemptNever {
		t.Errorf("class %q, priority %v, preemption %v", got.PriorityClassName, got.Priority, got.PreemptionPolicy)
	}
	name := corev1.PodDNSConfig{Nameservers: []string{dns.Spec.ClusterIP}, Searches: []string{"svc.cluster.local"}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: new("1")}}}
	if got.DNSConfig == nil || got.DNSPolicy != corev1.DNSNone || cmp.Diff(name, *got.DNSConfig) != "" {
		t.Errorf("DNS %s, %+v", got.DNSPolicy, got.DNSConfig)
	}

	if got := made(newNamespace(t, "newborn-elsewhere")); len(got.InitContainers) != 1 || got.PriorityClassName != "system-cluster-critical" || got.DNSPolicy != corev1.DNSClusterFirst {
		t.Errorf("a pod elsewhere: %+v", got)
	}

	dryRun := func(edit func(*corev1.PodSpec)) (corev1.PodSpec, error) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "edited"}, Spec: *spec.DeepCopy()}
		edit(&pod.Spec)
		pod, err := kube.CoreV1().Pods(sandbox).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return corev1.PodSpec{}, err
		}
		return pod.Spec, nil
	}
	if got, err := dryRun(func(s *corev1.PodSpec) { s.InitContainers = nil }); err != nil || len(got.InitContainers) != 1 {
		t.Errorf("a pod without init containers: %+v, %v", got.InitContainers, err)
	}
	if got, err := dryRun(func(s *corev1.PodSpec) { s.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(0))} }); err != nil ||
		got.InitContainers[0].SecurityContext.RunAsUser == nil || *got.InitContainers[0].SecurityContext.RunAsUser != 65532 {
		t.Errorf("a pod that runs as root: %+v, %v", got.InitContainers, err)
	}
	if got, err := dryRun(func(s *corev1.PodSpec) { s.InitContainers[0].Name = "kymaros-gate" }); err == nil {
		t.Errorf("a pod that passes for one with a gate: %+v", got.InitContainers)
	}
	if got, err := dryRun(func(s *corev1.PodSpec) { s.InitContainers = []corev1.Container{*want.DeepCopy(), s.InitContainers[0]} }); err != nil || len(got.InitContainers) != 2 {
		t.Errorf("a pod that has the gate: %+v, %v", got.InitContainers, err)
	}

	finish(t, r)
	_, report := awaitEnd(t, rt)
	if m := report.Status.IsolationMoment; m == nil || m.State != v1alpha1.MomentSeen || m.Longest != "120ms" {
		t.Errorf("the report says %+v", m)
	}
}
