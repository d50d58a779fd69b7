package probe

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestExec(t *testing.T) {
	prints := func(output string, err error) func(context.Context, io.Writer) error {
		return func(_ context.Context, w io.Writer) error {
			_, _ = io.Copy(w, strings.NewReader(output))
			return err
		}
	}
	ends := func(code int) error { return exec.CodeExitError{Err: errors.New("ended"), Code: code} }
	four := &v1alpha1.Expectation{Equals: new("4711")}
	tests := []struct {
		name  string
		check v1alpha1.ExecCheck
		run   func(context.Context, io.Writer) error
		pass  bool
		want  string
	}{
		{"0 is success", v1alpha1.ExecCheck{}, prints("", nil), true, "exit code 0"},
		{"another code is no success", v1alpha1.ExecCheck{}, prints("", ends(3)), false, "exit code 3, expected 0"},
		{"another code may be success", v1alpha1.ExecCheck{SuccessExitCode: 3}, prints("", ends(3)), true, "exit code 3"},
		{"0 is no success then", v1alpha1.ExecCheck{SuccessExitCode: 3}, prints("", nil), false, "exit code 0, expected 3"},
		{"output is matched without white space around", v1alpha1.ExecCheck{Expect: four}, prints("\n 4711 \r\n", nil), true, "exit code 0, output as expected"},
		{"output of a command that fails does not count", v1alpha1.ExecCheck{Expect: four}, prints("4711", ends(1)), false, "exit code 1, expected 0"},
		{"other output fails and is not quoted", v1alpha1.ExecCheck{Expect: four}, prints("4712", nil), false, "output does not equal the expected text"},
		{"64 KiB of output are held", v1alpha1.ExecCheck{Expect: &v1alpha1.Expectation{Regex: new("x$")}}, prints(strings.Repeat("x", maxOutput), nil), true, "exit code 0, output as expected"},
		{"more than that ends the command", v1alpha1.ExecCheck{Expect: four}, func(ctx context.Context, w io.Writer) error {
			_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", maxOutput+1)))
			<-ctx.Done()
			return ctx.Err()
		}, false, "the output is longer than 64 KiB, so it was not matched"},
		{"a stream that is cut off tells nothing", v1alpha1.ExecCheck{}, prints("4711", errCutOff), false, "exec in pod web-0, container main: the connection ended before the command did"},
		{"a command that does not end", v1alpha1.ExecCheck{Timeout: "5s"}, func(ctx context.Context, _ io.Writer) error { <-ctx.Done(); return ctx.Err() }, false, "the command did not end within 5s"},
		{"a program that is not there", v1alpha1.ExecCheck{Command: []string{"psql"}}, prints("", errors.New(`OCI runtime exec failed: exec: "psql": executable file not found in $PATH`)), false, "container main of pod web-0 has no program psql"},
		{"another container", v1alpha1.ExecCheck{Container: "side"}, prints("", nil), true, "exit code 0"},
		{"an unknown container", v1alpha1.ExecCheck{Container: "absent"}, prints("", nil), false, `pod web-0 has no container "absent" (it has main, side)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Prober{kube: fake.NewClientset(web...), dial: answers, exec: func(ctx context.Context, namespace, pod, container string, command []string, stdout io.Writer) error {
					want := tt.check.Container
					if want == "" {
						want = "main"
					}
					if namespace != "sandbox-1" || pod != "web-0" || container != want {
						t.Errorf("exec in %s/%s, container %s", namespace, pod, container)
					}
					return tt.run(ctx, stdout)
				}}
				tt.check.PodSelector = map[string]string{"app": "web"}
				got := p.Run(t.Context(), v1alpha1.HealthCheck{Exec: &tt.check}, shop, 0)
				if (got.Status == v1alpha1.CheckPass) != tt.pass || got.Message != tt.want {
					t.Errorf("got %+v, want pass %v, message %q", got, tt.pass, tt.want)
				}
			})
		})
	}
}

// answers is a node that is there.
func answers(context.Context, string, string) (httpstream.Connection, func(), error) {
	return nil, func() {}, nil
}

func TestANodeThatStopsAnsweringIsNotHeldAgainstTheApplication(t *testing.T) {
	dialing := errors.New("unable to upgrade connection: error dialing backend: dial tcp 192.0.2.7:10250: connect: no route to host")
	for name, c := range map[string]struct {
		dial func(ctx context.Context) error
		want v1alpha1.CheckResult
	}{
		"it answers":                      {func(context.Context) error { return nil }, v1alpha1.CheckFail},
		"nobody reaches it":               {func(context.Context) error { return dialing }, v1alpha1.CheckUnknown},
		"nobody tells that":               {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, v1alpha1.CheckUnknown},
		"nobody may ask":                  {func(context.Context) error { return apierrors.NewForbidden(corev1.Resource("pods"), "web-0", nil) }, v1alpha1.CheckFail},
		"it says that the pod is no more": {func(context.Context) error { return apierrors.NewNotFound(corev1.Resource("pods"), "web-0") }, v1alpha1.CheckFail},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Prober{kube: fake.NewClientset(web...),
					exec: func(ctx context.Context, _, _, _ string, _ []string, _ io.Writer) error {
						<-ctx.Done()
						return ctx.Err()
					},
					dial: func(ctx context.Context, _, _ string) (httpstream.Connection, func(), error) {
						return nil, func() {}, c.dial(ctx)
					}}
				check := v1alpha1.HealthCheck{Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"true"}, Timeout: "5s"}}
				if got := p.Run(t.Context(), check, shop, 0); got.Status != c.want {
					t.Errorf("%+v, want %s", got, c.want)
				}
			})
		})
	}
}

func TestChoose(t *testing.T) {
	pending := pod("a", corev1.ConditionFalse)
	pending.Status.Phase = corev1.PodPending
	unready, ready := pod("b", corev1.ConditionFalse), pod("c", corev1.ConditionTrue)
	for _, tt := range []struct {
		name string
		pods []corev1.Pod
		want string
	}{
		{"a ready pod comes first", []corev1.Pod{*pending, *unready, *ready}, "c"},
		{"else one that runs", []corev1.Pod{*pending, *unready}, "b"},
		{"a pending pod is of no use", []corev1.Pod{*pending}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := choose(tt.pods)
			if (got == nil && tt.want != "") || (got != nil && got.Name != tt.want) {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}

// A check's own timeout goes before the test's, and that before the default of the kind.
func TestTimeouts(t *testing.T) {
	for _, tt := range []struct {
		name string
		own  v1alpha1.Duration
		test time.Duration
		want time.Duration
	}{
		{"its own", "3s", 20 * time.Second, 3 * time.Second},
		{"the test's", "", 20 * time.Second, 20 * time.Second},
		{"the default", "", 0, 30 * time.Second},
		{"one that is none counts as absent", "1d", 20 * time.Second, 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Prober{kube: fake.NewClientset(namespace("sandbox-1"))}
				start := time.Now()
				got := p.Run(t.Context(), v1alpha1.HealthCheck{PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1, Timeout: tt.own}}, shop, tt.test)
				if took := time.Since(start); took != tt.want || got.Message != "0 of 0 pods with app=web are ready in sandbox-1 (sandbox of shop), needed: 1" || got.Duration != v1alpha1.Of(tt.want) {
					t.Errorf("after %s: %+v", took, got)
				}
			})
		})
	}
}

func TestPodStatusPassesAtTheEventThatMakesItTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(web...)
		p := &Prober{kube: client}
		done := make(chan v1alpha1.CheckStatus)
		start := time.Now()
		go func() {
			done <- p.Run(t.Context(), v1alpha1.HealthCheck{PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 2}}, shop, 0)
		}()
		synctest.Wait()
		second := pod("web-1", corev1.ConditionFalse)
		second.UID = "uid-2"
		_, _ = client.CoreV1().Pods("sandbox-1").Create(t.Context(), second, metav1.CreateOptions{})
		_ = pause(t.Context(), 7*time.Second)
		second.Status.Conditions[0].Status = corev1.ConditionTrue
		_, _ = client.CoreV1().Pods("sandbox-1").UpdateStatus(t.Context(), second, metav1.UpdateOptions{})
		got := <-done
		if took := time.Since(start); took != 7*time.Second || got.Status != v1alpha1.CheckPass || got.Message != "2 of 2 pods ready" {
			t.Errorf("after %s: %+v", took, got)
		}
	})
}

func TestResourceExists(t *testing.T) {
	scheme := metadatafake.NewTestScheme()
	_ = metav1.AddMetaToScheme(scheme)
	object := func(api, kind, namespace, name string) runtime.Object {
		return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: api, Kind: kind}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	}
	client := metadatafake.NewSimpleMetadataClient(scheme,
		object("v1", "Secret", "sandbox-1", "key"), object("apps/v1", "StatefulSet", "sandbox-1", "db"), object("v1", "ConfigMap", "sandbox-2", "conf"),
		object("v1", "Secret", "sandbox-2", "both"), object("v1", "Secret", "shop", "both"), object("v1", "Secret", "pay", "both"))
	two := append(shop, v1alpha1.SandboxNamespace{Source: "pay", Name: "sandbox-2"})
	tests := []struct {
		name      string
		resources []v1alpha1.ResourceReference
		source    string
		pass      bool
		want      string
	}{
		{"all exist", []v1alpha1.ResourceReference{{Kind: "Secret", Name: "key"}, {Kind: "StatefulSet", Name: "db"}}, "", true, "2 of 2 objects exist in sandbox-1 (sandbox of shop)"},
		{"all exist in the second sandbox", []v1alpha1.ResourceReference{{Kind: "ConfigMap", Name: "conf"}}, "", true, "1 of 1 objects exist in sandbox-2 (sandbox of pay)"},
		{"it came back in the other sandbox only", []v1alpha1.ResourceReference{{Kind: "Secret", Name: "both"}}, "", false, "Secret/both not found in sandbox-1 (sandbox of shop), whose source has it; set namespace in the check to ask for one sandbox only"},
		{"the check names the one where it is", []v1alpha1.ResourceReference{{Kind: "Secret", Name: "both"}}, "pay", true, "1 of 1 objects exist"},
		{"the check names another sandbox", []v1alpha1.ResourceReference{{Kind: "ConfigMap", Name: "conf"}}, "shop", false, "ConfigMap/conf not found in sandbox-1 (sandbox of shop)"},
		{"some are missing", []v1alpha1.ResourceReference{{Kind: "Secret", Name: "key"}, {Kind: "Pod", Name: "a"}, {Kind: "Service", Name: "b"}}, "", false, "Pod/a, Service/b not found in sandbox-1 (sandbox of shop)"},
		{"all are missing", []v1alpha1.ResourceReference{{Kind: "Deployment", Name: "a"}}, "", false, "Deployment/a not found in sandbox-1 (sandbox of shop), sandbox-2 (sandbox of pay)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &Prober{kube: fake.NewClientset(namespace("sandbox-1"), namespace("sandbox-2")), metadata: client}
			got := p.Run(t.Context(), v1alpha1.HealthCheck{Namespace: tt.source, ResourceExists: &v1alpha1.ResourceExistsCheck{Resources: tt.resources}}, two, 0)
			if (got.Status == v1alpha1.CheckPass) != tt.pass || got.Message != tt.want {
				t.Errorf("got %+v, want pass %v, message %q", got, tt.pass, tt.want)
			}
		})
	}
}

func TestResourceExistsSaysWhatItMayNotRead(t *testing.T) {
	scheme := metadatafake.NewTestScheme()
	_ = metav1.AddMetaToScheme(scheme)
	client := metadatafake.NewSimpleMetadataClient(scheme)
	client.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("secrets"), "key", errors.New("User cannot"))
	})
	p := &Prober{kube: fake.NewClientset(namespace("sandbox-1")), metadata: client}
	check := &v1alpha1.ResourceExistsCheck{Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "key"}}}
	got := p.Run(t.Context(), v1alpha1.HealthCheck{ResourceExists: check}, shop, 0)
	want := "Kymaros may not read secrets in this cluster: leave Secret/key out of the check, or give it that right"
	if got.Status != v1alpha1.CheckUnknown || got.Message != want { // it is no fault of the backup
		t.Errorf("got %+v, want message %q", got, want)
	}
}

func TestWhereACheckBelongs(t *testing.T) {
	runs := func(context.Context, string, string, string, []string, io.Writer) error { return nil }
	check := v1alpha1.HealthCheck{Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"true"}}}
	elsewhere := check
	elsewhere.Namespace = "absent"
	production := namespace("sandbox-1")
	production.Labels = nil
	replaced := namespace("sandbox-1")
	replaced.UID = "uid-9"
	two := append([]v1alpha1.SandboxNamespace{{Source: "pay", Name: "sandbox-2"}}, shop...)
	tests := []struct {
		name      string
		objects   []runtime.Object
		check     v1alpha1.HealthCheck
		sandboxes []v1alpha1.SandboxNamespace
		pass      bool
		want      string
	}{
		{"where its target is", web, check, two, true, "exit code 0"},
		{"nowhere", []runtime.Object{namespace("sandbox-1"), namespace("sandbox-2")}, check, two, false, "a pod with app=web not found in sandbox-2 (sandbox of pay), sandbox-1 (sandbox of shop)"},
		{"a source that the test has not", []runtime.Object{namespace("sandbox-1"), namespace("sandbox-2")}, elsewhere, two, false, `namespace "absent" of the check is no source namespace of the test (it has pay, shop)`},
		{"no sandbox", web, check, nil, false, "the run has no sandbox"},
		{"never in a namespace that is not ours", []runtime.Object{production, pod("web-0", corev1.ConditionTrue)}, check, shop, false, "namespace sandbox-1 is not the sandbox of this run"},
		{"never in a namespace that took its place", []runtime.Object{replaced, pod("web-0", corev1.ConditionTrue)}, check, shop, false, "namespace sandbox-1 is not the sandbox of this run"},
		{"a check without a body", web, v1alpha1.HealthCheck{Type: v1alpha1.CheckExec}, shop, false, "the check has no exec: add it to the HealthCheckPolicy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Prober{kube: fake.NewClientset(tt.objects...), exec: runs}
				got := p.Run(t.Context(), tt.check, tt.sandboxes, 0)
				if (got.Status == v1alpha1.CheckPass) != tt.pass || got.Message != tt.want {
					t.Errorf("got %+v, want pass %v, message %q", got, tt.pass, tt.want)
				}
			})
		})
	}
}

func TestASandboxThatIsLostIsNotHeldAgainstTheApplication(t *testing.T) {
	ours, other, going := namespace("sandbox-1"), namespace("sandbox-1"), namespace("sandbox-1")
	other.Labels = nil
	going.DeletionTimestamp, going.Finalizers = &metav1.Time{Time: time.Now()}, []string{"example.com/held"}
	for name, tt := range map[string]struct {
		before, after *corev1.Namespace
		want          v1alpha1.CheckResult
		message       string
	}{
		"it stays":                                 {ours, ours, v1alpha1.CheckFail, "exit code 1, expected 0"},
		"it has lost its label":                    {other, other, v1alpha1.CheckUnknown, "namespace sandbox-1 is not the sandbox of this run"},
		"it is being deleted":                      {going, going, v1alpha1.CheckUnknown, "namespace sandbox-1 is being deleted"},
		"it is being deleted while the check runs": {ours, going, v1alpha1.CheckUnknown, "namespace sandbox-1 is being deleted"},
		"it goes while the check runs":             {ours, nil, v1alpha1.CheckUnknown, "namespace sandbox-1 is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewClientset(pod("web-0", corev1.ConditionTrue))
				now := tt.before
				client.PrependReactor("get", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
					if now == nil {
						return true, nil, apierrors.NewNotFound(corev1.Resource("namespaces"), "sandbox-1")
					}
					return true, now, nil
				})
				p := &Prober{kube: client, exec: func(context.Context, string, string, string, []string, io.Writer) error {
					now = tt.after
					return exec.CodeExitError{Err: errors.New("ended"), Code: 1}
				}}
				check := v1alpha1.HealthCheck{Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"true"}}}
				if got := p.Run(t.Context(), check, shop, 0); got.Status != tt.want || got.Message != tt.message {
					t.Errorf("%+v, want %s: %s", got, tt.want, tt.message)
				}
			})
		})
	}
}

func TestACheckThatIsCutOffIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		cuts  int // of the first tries
		after error
		tries int
		want  v1alpha1.CheckResult
	}{
		"until it can tell that all is well": {3, nil, 4, v1alpha1.CheckPass},
		"until it can tell that it is not":   {3, exec.CodeExitError{Err: errors.New("ended"), Code: 1}, 4, v1alpha1.CheckFail},
		"but not for ever":                   {100, nil, maxUntold + 1, v1alpha1.CheckUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				p := &Prober{kube: fake.NewClientset(web...), exec: func(context.Context, string, string, string, []string, io.Writer) error {
					if tries++; tries <= c.cuts {
						return errCutOff
					}
					return c.after
				}}
				check := v1alpha1.HealthCheck{Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"true"}, Retries: 1}}
				if got := p.Run(t.Context(), check, shop, 0); got.Status != c.want || tries != c.tries {
					t.Errorf("after %d tries: %+v", tries, got)
				}
			})
		})
	}
}

func TestAPodThatLacksOnlyAReadinessGateAnswers(t *testing.T) {
	gated := pod("web-0", corev1.ConditionFalse)
	gated.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/target-health"}}
	if isReady(gated) {
		t.Error("its containers are not ready")
	}
	gated.Status.Conditions = append(gated.Status.Conditions, corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue})
	if !isReady(gated) {
		t.Error("it lacks a readiness gate only")
	}
	gated.Spec.ReadinessGates = nil
	if isReady(gated) {
		t.Error("nothing but the kubelet keeps it from being ready")
	}
}

func TestASelectorThatMatchesPodsOfSeveralWorkloadsIsNamed(t *testing.T) {
	of := func(owner, hash string) corev1.Pod {
		p := *pod("x", corev1.ConditionTrue)
		p.Labels = map[string]string{"pod-template-hash": hash}
		p.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: owner, Controller: new(true)}}
		return p
	}
	bare := *pod("y", corev1.ConditionTrue)
	for name, c := range map[string]struct {
		pods []corev1.Pod
		want string
	}{
		"one Deployment in a rollout": {[]corev1.Pod{of("web-1", "1"), of("web-2", "2")}, ""},
		"bare pods":                   {[]corev1.Pod{bare, bare}, ""},
		"two Deployments and more":    {[]corev1.Pod{of("worker-gpu-2", "2"), of("worker-1", "1"), bare}, "; the selector matches pods of several workloads: bare pods, worker, worker-gpu"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := several(c.pods); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
