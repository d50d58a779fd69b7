package integration

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

type podEdit = func(*corev1.PodSpec)

func hostNetwork(s *corev1.PodSpec) { s.HostNetwork = true }

func hostPath(s *corev1.PodSpec) {
	s.Volumes = []corev1.Volume{{Name: "node", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
}

func ofClass(name string) podEdit { return func(s *corev1.PodSpec) { s.PriorityClassName = name } }

func resources(request, limit string) podEdit {
	return func(s *corev1.PodSpec) {
		s.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)}
		if limit != "" {
			s.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		}
	}
}

// podTemplate returns a pod that becomes ready, if it is admitted.
func podTemplate(name string, edits ...podEdit) corev1.PodTemplateSpec {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": name, "becomes": "ready"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	for _, e := range edits {
		e(&template.Spec)
	}
	return template
}

func createDeployment(t *testing.T, namespace, name string, edits ...podEdit) {
	t.Helper()
	template := podTemplate(name, edits...)
	_, err := kube.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func createStatefulSet(t *testing.T, namespace, name string, edits ...podEdit) {
	t.Helper()
	template := podTemplate(name, edits...)
	_, err := kube.AppsV1().StatefulSets(namespace).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.StatefulSetSpec{Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func createPod(ctx context.Context, namespace, name string, edits ...podEdit) error {
	template := podTemplate(name, edits...)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: template.Labels}, Spec: template.Spec}
	_, err := kube.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
	return err
}

// checked begins a run with checks that the application of the fake Velero passes, and stops before the restore.
func checked(t *testing.T, name string, edits ...edit) (*v1alpha1.RestoreTest, *velerov1.Restore) {
	t.Helper()
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, edits...)
	rt.Spec.HealthChecks.PolicyRef = "web"
	policy(t, rt.Namespace, "web")
	backup(t, name, sources(rt)...)
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	return await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded), r
}

// endsBlocked waits for the end of a run of which only the sandbox kept something from running.
func endsBlocked(t *testing.T, rt *v1alpha1.RestoreTest, says ...string) *v1alpha1.RestoreReport {
	t.Helper()
	rt = await(t, rt, v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy)
	if got := strings.Join(rt.Status.Health.Blocked, "\n"); !contains(got, says) {
		t.Errorf("blocked %q, want %q", rt.Status.Health.Blocked, says)
	}
	_, report := awaitEnd(t, rt)
	if report.Status.Result != v1alpha1.ResultPartial || report.Status.Reason != v1alpha1.ReasonBlockedBySandboxPolicy {
		t.Errorf("result %s, score %d, reason %s: %s", report.Status.Result, report.Status.Score, report.Status.Reason, report.Status.Message)
	}
	return report
}

func TestPodsThatPodSecurityRefusesAreNoBadBackup(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "blocked"
	source(t, "src-"+name)
	// The default service account, without which there are no pods, comes with a delay.
	eventually(t, stepTimeout, func(ctx context.Context) error { return createPod(ctx, "src-"+name, "agent", hostNetwork) })
	rt, r := checked(t, name)
	sandbox := rt.Status.SandboxNamespace

	if err := createPod(t.Context(), sandbox, "agent", hostNetwork); !apierrors.IsForbidden(err) {
		t.Fatalf("a pod in the host's network: %v", err)
	}
	if err := restoreObjects(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	createDeployment(t, sandbox, "proxy", hostNetwork)
	createStatefulSet(t, sandbox, "logs", hostPath)
	phase(t, r, velerov1.RestorePhasePartiallyFailed, func(s *velerov1.RestoreStatus) { s.Errors = 1 })

	report := endsBlocked(t, rt,
		`src-blocked: Deployment/proxy: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`,
		`src-blocked: StatefulSet/logs: violates PodSecurity "baseline:latest": hostPath volumes (volume "node")`)
	level := report.Status.ValidationLevels.PodStartup
	if level.Status != v1alpha1.LevelPass || !contains(strings.Join(level.NotTested, "\n"), []string{
		"Deployment/proxy", "StatefulSet/logs", `src-blocked: Pod/agent: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`,
	}) {
		t.Errorf("pod startup: %+v", level)
	}
}

func TestARunOfWhichAllPodsAreRefusedEndsAtOnce(t *testing.T) {
	t.Parallel()
	shared(t)
	rt, r := checked(t, "all-blocked", func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PodReadyTimeout = "20m" })
	createDeployment(t, rt.Status.SandboxNamespace, "web", hostNetwork)
	phase(t, r, velerov1.RestorePhaseCompleted)
	rt = awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
		if rt.Status.Health == nil || rt.Status.Health.CompletionTime == nil {
			return errors.New(story(rt))
		}
		return nil
	})
	// The check for objects fails, for the fake Velero restored none; the one for pods is not even tried.
	if got := rt.Status.Health.Checks; len(got) != 2 || got[0].Status != v1alpha1.CheckSkip || got[1].Status != v1alpha1.CheckFail {
		t.Errorf("checks %+v", got)
	}
	awaitEnd(t, rt)
}

func TestPodsBeyondTheQuotaAreNoBadBackup(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "small-quota"
	source(t, "src-"+name)
	rt, r := checked(t, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.ResourceQuota = v1alpha1.SandboxQuota{Memory: "512Mi"} })
	sandbox := rt.Status.SandboxNamespace
	createDeployment(t, sandbox, "large", resources("1Gi", "2Gi"))
	createStatefulSet(t, sandbox, "larger", resources("3Gi", ""))
	createDeployment(t, sandbox, "overcommitted", resources("16Mi", "64Gi"))
	finish(t, r)
	report := endsBlocked(t, rt,
		"src-small-quota: Deployment/large: exceeded quota: kymaros-quota, requested: requests.memory=1Gi, limited: requests.memory=512Mi",
		"src-small-quota: StatefulSet/larger: must be less than or equal to memory limit of 512Mi")
	if !strings.Contains(report.Status.Message, "raise sandbox.resourceQuota") || report.Status.ValidationLevels.PodStartup.Detail != "3 of 3 pods ready; 2 workloads or pods blocked by the sandbox" {
		t.Errorf("%s; %+v", report.Status.Message, report.Status.ValidationLevels.PodStartup)
	}
}

func TestPodsOfAnotherPriorityClassAreRefused(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "classes"
	source(t, "src-"+name)
	gold := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "gold"}, Value: 1000}
	if _, err := kube.SchedulingV1().PriorityClasses().Create(t.Context(), gold, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	rt, r := checked(t, name)
	sandbox := rt.Status.SandboxNamespace
	for what, edits := range map[string][]podEdit{"without": nil, "ours": {ofClass("kymaros-sandbox")}} {
		eventually(t, stepTimeout, func(ctx context.Context) error { return createPod(ctx, sandbox, what, edits...) })
	}
	if err := createPod(t.Context(), sandbox, "gold", ofClass("gold")); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "exceeded quota: kymaros-priority") {
		t.Errorf("a pod of class gold: %v", err)
	}
	createDeployment(t, sandbox, "vip", ofClass("gold"))
	finish(t, r)
	endsBlocked(t, rt, "src-classes: Deployment/vip: exceeded quota: kymaros-priority, requested: pods=1, limited: pods=0")
}

// Not parallel: the class is the cluster's.
func TestWithoutItsPriorityClassNoSandboxIsMade(t *testing.T) {
	classes := kube.SchedulingV1().PriorityClasses()
	if err := classes.Delete(t.Context(), "kymaros-sandbox", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := applyFiles(context.WithoutCancel(t.Context()), filepath.Join(root, "manifests/15-priorityclass.yaml")); err != nil {
			t.Error(err)
		}
	})
	alone(t)
	rt := begin(t, "no-class")
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonRejected)
	rt, report := awaitEnd(t, rt)
	if report.Status.Reason != v1alpha1.ReasonRejected || !contains(report.Status.Message, []string{"kymaros-sandbox does not exist", "manifests/15-priorityclass.yaml"}) {
		t.Errorf("%s: %s", report.Status.Reason, report.Status.Message)
	}
	for _, ns := range rt.Status.SandboxNamespaces {
		if _, err := kube.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("namespace %s was made: %v", ns, err)
		}
	}
}

func TestAClaimNeverTakesAVolumeThatWaitsForSomebody(t *testing.T) {
	t.Parallel()
	shared(t)
	volumes := kube.CoreV1().PersistentVolumes()
	v, err := volumes.Create(t.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "by-hand"},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: "by-hand", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs.invalid", Path: "/"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := volumes.Delete(t.Context(), v.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, stepTimeout, func(ctx context.Context) error {
		v, err := volumes.Get(ctx, v.Name, metav1.GetOptions{})
		if err == nil && v.Status.Phase != corev1.VolumeAvailable {
			err = fmt.Errorf("phase %s", v.Status.Phase)
		}
		return err
	})
	rt, r := inSandbox(t, "static-volume")
	if !slices.Contains(rt.Status.Sandbox.StaticClasses, "by-hand") {
		t.Errorf("static classes %q", rt.Status.Sandbox.StaticClasses)
	}
	claim := func(class string) error {
		_, err := kube.CoreV1().PersistentVolumeClaims(rt.Status.SandboxNamespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: class},
			Spec: corev1.PersistentVolumeClaimSpec{
				StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
			},
		}, metav1.CreateOptions{})
		return err
	}
	if err := claim("by-hand"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "by-hand.storageclass.storage.k8s.io/persistentvolumeclaims") {
		t.Errorf("a claim of the class: %v", err)
	}
	if err := claim("dynamic"); err != nil {
		t.Errorf("a claim of another class: %v", err)
	}
	finish(t, r)
	rt, _ = awaitEnd(t, rt)
	if len(rt.Status.Sandbox.Violations) > 0 {
		t.Errorf("violations %q", rt.Status.Sandbox.Violations)
	}
}
