//go:build cluster

package healthcheck

import (
	"context"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/probe"
)

// TestCluster runs the controller on a real cluster that has the CRDs: go test -tags cluster, with KUBECONFIG and
// KYMAROS_TEST_IMAGE, an image with busybox.
func TestCluster(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	must(t, err)
	config.QPS, config.Burst = 200, 200
	kube, client := kubernetes.NewForConfigOrDie(config), versioned.NewForConfigOrDie(config)
	ctx, cancel := context.WithCancel(t.Context())
	factory := externalversions.NewSharedInformerFactory(client, 0)
	c, err := New(ctx, Options{
		Client: client, Kube: kube, Recorder: record.NewFakeRecorder(1000),
		Run:   probe.New(kube, metadata.NewForConfigOrDie(config), config).Run,
		Tests: factory.Restore().V1alpha1().RestoreTests(), Policies: factory.Restore().V1alpha1().HealthCheckPolicies(),
	})
	must(t, err)
	factory.StartWithContext(ctx)
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()

	for _, tt := range []struct {
		name   string
		policy []v1alpha1.HealthCheck
		status metav1.ConditionStatus
		reason string
	}{
		{"nothing to check", nil, metav1.ConditionTrue, v1alpha1.ReasonNotChecked},
		{"all pass", []v1alpha1.HealthCheck{
			{Name: "web", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{Service: "web", Port: 80, Path: "/", ExpectedStatus: 200, Retries: 1}},
			{Name: "files", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"/bin/busybox", "true"}, Retries: 1}},
		}, metav1.ConditionTrue, v1alpha1.ReasonPassed},
		{"one fails", []v1alpha1.HealthCheck{
			{Name: "web", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{Service: "web", Port: 80, Path: "/absent", ExpectedStatus: 200, Retries: 1}},
		}, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rt := restored(t, kube, client, tt.policy)
			// The pod is ready as soon as its server answers.
			pods, err := kube.CoreV1().Pods(rt.Status.Sandbox.Namespaces[0].Name).Watch(ctx, metav1.ListOptions{})
			must(t, err)
			defer pods.Stop()
			tests, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Watch(ctx, metav1.ListOptions{})
			must(t, err)
			defer tests.Stop()
			var ready, decided time.Time
			timeout := time.After(time.Minute)
			for decided.IsZero() {
				select {
				case event := <-pods.ResultChan():
					if pod, ok := event.Object.(*corev1.Pod); ok && ready.IsZero() {
						if r := assess([]contents{{pods: []*corev1.Pod{pod}}}); r.ready == 1 {
							ready = time.Now()
						}
					}
				case event := <-tests.ResultChan():
					if now, ok := event.Object.(*v1alpha1.RestoreTest); ok {
						rt = now
						if c := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked); conditions.Decided(c) {
							decided = time.Now()
						}
					}
				case <-timeout:
					t.Fatalf("not decided: %+v", conditions.ForRun(rt, v1alpha1.ConditionHealthChecked))
				}
			}
			got := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)
			t.Logf("%s after the pod was ready: %s/%s %s, %+v", decided.Sub(ready), got.Status, got.Reason, got.Message, rt.Status.Health)
			if got.Status != tt.status || got.Reason != tt.reason {
				t.Errorf("want %s/%s", tt.status, tt.reason)
			}
			if took := decided.Sub(ready); tt.policy == nil && took > 200*time.Millisecond {
				t.Errorf("took %s", took)
			}
		})
	}
}

// restored returns a RestoreTest whose restore has just ended in a sandbox with one Deployment.
func restored(t *testing.T, kube kubernetes.Interface, client versioned.Interface, checks []v1alpha1.HealthCheck) *v1alpha1.RestoreTest {
	ctx := context.Background()
	namespace := func(labels map[string]string) *corev1.Namespace {
		n, err := kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "health-", Labels: labels}}, metav1.CreateOptions{})
		must(t, err)
		t.Cleanup(func() { _ = kube.CoreV1().Namespaces().Delete(ctx, n.Name, metav1.DeleteOptions{}) })
		return n
	}
	home, sandbox := namespace(nil), namespace(map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	labels := map[string]string{"app": "web"}
	_, err := kube.AppsV1().Deployments(sandbox.Name).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{TerminationGracePeriodSeconds: ptr.To[int64](0), Containers: []corev1.Container{{
				Name: "web", Image: os.Getenv("KYMAROS_TEST_IMAGE"), Env: []corev1.EnvVar{{Name: "PATH", Value: "/bin"}},
				Command: []string{"/bin/busybox", "sh", "-c", "mkdir -p /tmp/www; echo ok >/tmp/www/index.html; sleep 2; httpd -f -p 8080 -h /tmp/www"},
				Ports:   []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
					TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}},
			}}},
		}},
	}, metav1.CreateOptions{})
	must(t, err)
	_, err = kube.CoreV1().Services(sandbox.Name).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}}}, metav1.CreateOptions{})
	must(t, err)

	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: home.Name, Name: "shop"}}
	rt.Spec.BackupSource = v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}}
	rt.Spec.Schedule.Cron = "@daily"
	if checks != nil {
		rt.Spec.HealthChecks.PolicyRef = "policy"
		_, err := client.RestoreV1alpha1().HealthCheckPolicies(home.Name).Create(ctx, &v1alpha1.HealthCheckPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "policy"}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: checks}}, metav1.CreateOptions{})
		must(t, err)
	}
	made, err := client.RestoreV1alpha1().RestoreTests(home.Name).Create(ctx, rt, metav1.CreateOptions{})
	must(t, err)
	now := metav1.Now()
	made.Status.Run = &v1alpha1.RunStatus{ID: runID, Spec: made.Spec, Trigger: v1alpha1.TriggerCreated, ScheduledTime: now, StartTime: now, Deadline: metav1.NewTime(now.Add(time.Hour))}
	made.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: runID, Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: sandbox.Name, UID: sandbox.UID}}}
	made.Status.Restore = &v1alpha1.RestoreStatus{RunID: runID, CompletionTime: &now}
	for _, c := range [][2]string{{v1alpha1.ConditionSandboxReady, v1alpha1.ReasonGuarded}, {v1alpha1.ConditionRestored, v1alpha1.ReasonCompleted}} {
		made.Status.Conditions = append(made.Status.Conditions, metav1.Condition{Type: c[0], Status: metav1.ConditionTrue, Reason: c[1], LastTransitionTime: now})
	}
	made, err = client.RestoreV1alpha1().RestoreTests(home.Name).UpdateStatus(ctx, made, metav1.UpdateOptions{})
	must(t, err)
	return made
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
