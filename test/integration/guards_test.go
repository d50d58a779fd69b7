package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	denyAll    = "kymaros-deny-all"
	allowGroup = "kymaros-allow-group"
	quotaName  = "kymaros-quota"
	priority   = "kymaros-priority"
)

// inSandbox begins a run and stops before Velero restores anything: by then every guard must be in force.
func inSandbox(t *testing.T, name string, edits ...edit) (rt *v1alpha1.RestoreTest, r *velerov1.Restore) {
	t.Helper()
	holdRestores(t, name)
	rt = begin(t, name, edits...)
	r = restoreOf(t, rt)
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	return rt, r
}

// finish lets Velero complete a Restore.
func finish(t *testing.T, r *velerov1.Restore) {
	t.Helper()
	if err := restoreAll(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestASandboxIsGuardedBeforeAnythingIsRestoredIntoIt(t *testing.T) {
	t.Parallel()
	shared(t)
	for mode, policies := range map[v1alpha1.NetworkIsolation][]string{
		v1alpha1.IsolationStrict: {denyAll},
		v1alpha1.IsolationGroup:  {allowGroup, denyAll},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			rt, r := inSandbox(t, "guards-"+string(mode), func(rt *v1alpha1.RestoreTest) {
				rt.Spec.Sandbox.NetworkIsolation = mode
				rt.Spec.BackupSource.Namespaces = append(rt.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: "src-second-" + string(mode)})
			})
			if len(rt.Status.SandboxNamespaces) != 2 || len(r.Spec.NamespaceMapping) != 2 {
				t.Fatalf("sandboxes %v, mapping %v, want two", rt.Status.SandboxNamespaces, r.Spec.NamespaceMapping)
			}
			for source, sandbox := range r.Spec.NamespaceMapping {
				namespaceIsMarked(t, rt, sandbox, source)
				networkIsClosed(t, sandbox, policies)
				sideEffectsAreRefused(t, sandbox)
			}
			finish(t, r)
			awaitEnd(t, rt)
		})
	}
}

func namespaceIsMarked(t *testing.T, rt *v1alpha1.RestoreTest, sandbox, source string) {
	t.Helper()
	ns, err := kube.CoreV1().Namespaces().Get(t.Context(), sandbox, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"kymaros.io/managed-by":                      "kymaros",
		"kymaros.io/test":                            rt.Name,
		"kymaros.io/restoretest-namespace":           rt.Namespace,
		"kymaros.io/test-namespace":                  sandbox,
		"kymaros.io/group":                           rt.Status.Run.ID,
		"kymaros.io/run":                             rt.Status.Run.ID,
		"velero.io/exclude-from-backup":              "true",
		"pod-security.kubernetes.io/enforce":         "baseline",
		"pod-security.kubernetes.io/enforce-version": "latest",
	} {
		if ns.Labels[key] != want {
			t.Errorf("sandbox %s: label %s is %q, want %q", sandbox, key, ns.Labels[key], want)
		}
	}
	if ns.Annotations[v1alpha1.AnnotationRestoreTest] != rt.Namespace+"/"+rt.Name || ns.Annotations[v1alpha1.AnnotationSource] != source {
		t.Errorf("sandbox %s: annotations %v", sandbox, ns.Annotations)
	}
	if !slices.Contains(ns.Finalizers, v1alpha1.Finalizer) {
		t.Errorf("sandbox %s has no finalizer of ours", sandbox)
	}
}

func networkIsClosed(t *testing.T, sandbox string, want []string) {
	t.Helper()
	list, err := kube.NetworkingV1().NetworkPolicies(sandbox).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list.Items {
		got = append(got, p.Name)
		if len(p.Spec.PodSelector.MatchLabels)+len(p.Spec.PodSelector.MatchExpressions) > 0 || len(p.Spec.PolicyTypes) != 2 {
			t.Errorf("policy %s does not hold for all pods in both directions: %+v", p.Name, p.Spec)
		}
		if p.Name == denyAll && len(p.Spec.Ingress)+len(p.Spec.Egress) > 0 {
			t.Errorf("policy %s lets something pass: %+v", p.Name, p.Spec)
		}
		if !slices.Contains(p.Finalizers, v1alpha1.Finalizer) {
			t.Errorf("policy %s has no finalizer: it could go before the pods do", p.Name)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("network policies of %s: %q, want %q", sandbox, got, want)
	}
}

// sideEffectsAreRefused creates, as an administrator, what no sandbox may hold.
func sideEffectsAreRefused(t *testing.T, sandbox string) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: "side-effect", Namespace: sandbox}
	ports := []corev1.ServicePort{{Port: 80}}
	pod := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "i"}}}
	privileged := *pod.DeepCopy()
	privileged.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
	options := metav1.CreateOptions{}
	ctx := t.Context()
	for what, do := range map[string]struct {
		create func() error
		says   string
	}{
		"a LoadBalancer Service": {func() error {
			_, err := kube.CoreV1().Services(sandbox).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: ports}}, options)
			return err
		}, "services.loadbalancers"},
		"a NodePort Service": {func() error {
			_, err := kube.CoreV1().Services(sandbox).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: ports}}, options)
			return err
		}, "services.nodeports"},
		"an Ingress": {func() error {
			backend := &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}
			_, err := kube.NetworkingV1().Ingresses(sandbox).Create(ctx, &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{DefaultBackend: backend}}, options)
			return err
		}, "count/ingresses.networking.k8s.io"},
		"a Job": {func() error {
			_, err := kube.BatchV1().Jobs(sandbox).Create(ctx, &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: pod}}}, options)
			return err
		}, "count/jobs.batch"},
		"a further NetworkPolicy": {func() error {
			_, err := kube.NetworkingV1().NetworkPolicies(sandbox).Create(ctx, &networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: networkingv1.NetworkPolicySpec{Egress: []networkingv1.NetworkPolicyEgressRule{{}}}}, options)
			return err
		}, "count/networkpolicies.networking.k8s.io"},
		"a privileged pod": {func() error {
			_, err := kube.CoreV1().Pods(sandbox).Create(ctx, &corev1.Pod{ObjectMeta: meta, Spec: privileged}, options)
			return err
		}, "PodSecurity"},
	} {
		if err := do.create(); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), do.says) {
			t.Errorf("%s in sandbox %s: got %v, want it forbidden by %s", what, sandbox, err, do.says)
		}
	}
}

func TestAGuardThatSomebodyChangesIsPutBackAndTheRunDoesNotPass(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "tampered"
	source(t, "src-"+name)
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	backup(t, name, sources(rt)...)
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	sandbox := rt.Status.SandboxNamespace
	policies, quotas := kube.NetworkingV1().NetworkPolicies(sandbox), kube.CoreV1().ResourceQuotas(sandbox)

	policyPatch := func(patch string) func() error {
		return func() error {
			_, err := policies.Patch(t.Context(), denyAll, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		}
	}
	var torn types.UID
	closed := func(ctx context.Context) error {
		p, err := policies.Get(ctx, denyAll, metav1.GetOptions{})
		switch {
		case err != nil:
			return err
		case p.UID == torn:
			return errors.New("the policy is not made anew yet")
		case len(p.Spec.Ingress)+len(p.Spec.Egress) > 0 || len(p.Spec.PolicyTypes) != 2 || len(p.Spec.PodSelector.MatchLabels) > 0:
			return fmt.Errorf("the sandbox is open: %+v", p.Spec)
		case p.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy || !slices.Contains(p.Finalizers, v1alpha1.Finalizer):
			return fmt.Errorf("labels %v, finalizers %v", p.Labels, p.Finalizers)
		}
		return nil
	}
	bounded := func(ctx context.Context) error {
		q, err := quotas.Get(ctx, quotaName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, name := range []corev1.ResourceName{"services.nodeports", "services.loadbalancers", "count/jobs.batch"} {
			if hard, ok := q.Status.Hard[name]; !ok || !hard.IsZero() {
				return fmt.Errorf("quota enforces %v", q.Status.Hard)
			}
		}
		return nil
	}
	classed := func(ctx context.Context) error {
		q, err := quotas.Get(ctx, priority, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if hard, ok := q.Status.Hard[corev1.ResourcePods]; !ok || !hard.IsZero() || q.Spec.ScopeSelector == nil || len(q.Spec.ScopeSelector.MatchExpressions) != 2 {
			return fmt.Errorf("quota %+v enforces %v", q.Spec, q.Status.Hard)
		}
		return nil
	}
	labelled := func(ctx context.Context) error {
		ns, err := kube.CoreV1().Namespaces().Get(ctx, sandbox, metav1.GetOptions{})
		if err == nil && (ns.Labels["pod-security.kubernetes.io/enforce"] != "baseline" || ns.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy) {
			err = fmt.Errorf("labels %v", ns.Labels)
		}
		return err
	}
	for _, step := range []struct {
		what      string
		do        func() error
		back      func(context.Context) error
		violation string
	}{
		{"a rule is added to the policy", policyPatch(`{"spec":{"egress":[{}]}}`), closed, "NetworkPolicy " + sandbox + "/" + denyAll + " was changed by somebody"},
		{"the policy is narrowed to some pods", policyPatch(`{"spec":{"podSelector":{"matchLabels":{"a":"b"}}}}`), closed, "NetworkPolicy " + sandbox + "/" + denyAll + " was changed by somebody"},
		{"our label is taken off the policy", policyPatch(`{"metadata":{"labels":{"kymaros.io/managed-by":null}},"spec":{"egress":[{}]}}`), closed, "NetworkPolicy " + sandbox + "/" + denyAll + " was "},
		{"the policy is deleted", func() error { return policies.Delete(t.Context(), denyAll, metav1.DeleteOptions{}) }, closed, "NetworkPolicy " + sandbox + "/" + denyAll + " was deleted by somebody"},
		{"the policy is deleted with its finalizer", func() error {
			p, err := policies.Get(t.Context(), denyAll, metav1.GetOptions{})
			if err != nil {
				return err
			}
			torn = p.UID
			return policyPatch(`{"metadata":{"finalizers":null}}`)()
		}, closed, "NetworkPolicy " + sandbox + "/" + denyAll + " was deleted by somebody"},
		{"the namespace is opened to privileged pods and hidden from us", func() error {
			patch := `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged","kymaros.io/managed-by":null}}}`
			_, err := kube.CoreV1().Namespaces().Patch(t.Context(), sandbox, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		}, labelled, "labels of Namespace " + sandbox + " were changed by somebody"},
		{"the quota is raised", func() error {
			_, err := quotas.Patch(t.Context(), quotaName, types.MergePatchType, []byte(`{"spec":{"hard":{"services.nodeports":"5"}}}`), metav1.PatchOptions{})
			return err
		}, bounded, "ResourceQuota " + sandbox + "/" + quotaName + " was changed by somebody"},
		{"the quota of priority classes is raised", func() error {
			_, err := quotas.Patch(t.Context(), priority, types.MergePatchType, []byte(`{"spec":{"hard":{"pods":"9"}}}`), metav1.PatchOptions{})
			return err
		}, classed, "ResourceQuota " + sandbox + "/" + priority + " was changed by somebody"},
		{"the quota of priority classes is deleted", func() error { return quotas.Delete(t.Context(), priority, metav1.DeleteOptions{}) }, classed, "ResourceQuota " + sandbox + "/" + priority + " was deleted by somebody"},
		{"the quota is deleted", func() error { return quotas.Delete(t.Context(), quotaName, metav1.DeleteOptions{}) }, bounded, "ResourceQuota " + sandbox + "/" + quotaName + " was deleted by somebody"},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		eventually(t, stepTimeout, func(ctx context.Context) error {
			if err := step.back(ctx); err != nil {
				return fmt.Errorf("after %s: %w", step.what, err)
			}
			return nil
		})
		awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
			if !contains(strings.Join(rt.Status.Sandbox.Violations, "\n"), []string{step.violation}) {
				return fmt.Errorf("after %s the violations are %q", step.what, rt.Status.Sandbox.Violations)
			}
			return nil
		})
	}

	finish(t, r)
	rt, report := awaitEnd(t, rt)
	if report.Status.Result == v1alpha1.ResultPass || !contains(strings.Join(report.Status.Caps, "\n"), []string{denyAll, quotaName}) {
		t.Errorf("result %s, score %d, caps %q", report.Status.Result, report.Status.Score, report.Status.Caps)
	}
	if !slices.ContainsFunc(events(t, rt), func(e corev1.Event) bool {
		return e.Type == corev1.EventTypeWarning && e.Reason == v1alpha1.EventGuardChanged && strings.Contains(e.Message, denyAll)
	}) {
		t.Error("no event tells of the changed guard")
	}
}
