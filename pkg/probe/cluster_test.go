//go:build cluster

package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The script of the only container. Of each port: what it does when somebody connects.
const server = `
mkdir -p /tmp/www && echo secret-body > /tmp/www/index.html && httpd -p 8080 -h /tmp/www
echo 'while read x && [ "${#x}" -gt 1 ]; do :; done; printf "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:8080/\r\nContent-Length: 0\r\n\r\n"' >/tmp/redirect
nc -ll -p 8081 -e sh /tmp/redirect &
nc -ll -p 5432 -e sleep 1000 &
nc -ll -p 5433 -e cat &
nc -ll -p 2525 -e echo 220 secret-banner &
sleep 100000`

// TestCluster proves the checks on a real cluster: go test -tags cluster, with KUBECONFIG and KYMAROS_TEST_IMAGE, an
// image with busybox and links to its applets in /bin.
func TestCluster(t *testing.T) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 200, 200
	kube := kubernetes.NewForConfigOrDie(config)
	ctx := t.Context()
	sandbox := prepare(t, kube)
	sandboxes := []v1alpha1.SandboxNamespace{sandbox}
	config = restricted(t, kube, config)
	kube = kubernetes.NewForConfigOrDie(config)

	web := func(service string, port int32, status int32, change ...func(*v1alpha1.HTTPGetCheck)) v1alpha1.HealthCheck {
		c := &v1alpha1.HTTPGetCheck{Service: service, Port: port, Path: "/", ExpectedStatus: status, Retries: 1}
		for _, f := range change {
			f(c)
		}
		return v1alpha1.HealthCheck{Name: "c", Type: v1alpha1.CheckHTTPGet, HTTPGet: c}
	}
	tcp := func(port int32) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{Name: "c", Type: v1alpha1.CheckTCPSocket, TCPSocket: &v1alpha1.TCPSocketCheck{Service: "headless", Port: port, Retries: 1, Timeout: "5s"}}
	}
	run := func(command string, change ...func(*v1alpha1.ExecCheck)) v1alpha1.HealthCheck {
		c := &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"sh", "-c", command}, Retries: 1, Timeout: "3s"}
		for _, f := range change {
			f(c)
		}
		return v1alpha1.HealthCheck{Name: "c", Type: v1alpha1.CheckExec, Exec: c}
	}
	integer := func(operator string, value int64) func(*v1alpha1.ExecCheck) {
		return func(c *v1alpha1.ExecCheck) {
			c.Expect = &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: operator, Value: value}}
		}
	}
	pods := func(n int32, timeout v1alpha1.Duration) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{Name: "c", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: n, Timeout: timeout}}
	}
	exist := func(kind, name string) v1alpha1.HealthCheck {
		return v1alpha1.HealthCheck{Name: "c", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{
			Resources: []v1alpha1.ResourceReference{{Kind: "Service", Name: "web"}, {Kind: kind, Name: name}}}}
	}

	tests := []struct {
		name  string
		check v1alpha1.HealthCheck
		pass  bool
		want  string // in the message
		least time.Duration
		most  time.Duration
	}{
		{name: "pod status of a ready pod", check: pods(1, ""), pass: true, want: "1 of 1 pods ready"},
		{name: "pod status waits for a second pod that never comes", check: pods(2, "2s"), want: "1 of 1 pods with app=web are ready", least: 1900 * time.Millisecond, most: 3 * time.Second},
		{name: "http through a named targetPort", check: web("web", 80, 200), pass: true, want: "status 200"},
		{name: "http through a numeric targetPort", check: web("web", 81, 200), pass: true, want: "status 200"},
		{name: "http through a headless service", check: web("headless", 8080, 200), pass: true, want: "status 200"},
		{name: "http with a wrong path", check: web("web", 80, 200, func(c *v1alpha1.HTTPGetCheck) { c.Path = "/absent" }), want: "status 404, expected 200"},
		{name: "a redirect is not followed", check: web("headless", 8081, 200), want: "status 302, expected 200"},
		{name: "a redirect may be expected", check: web("headless", 8081, 302), pass: true, want: "status 302"},
		{name: "http to a closed port", check: web("headless", 9999, 200), want: "connection refused"},
		{name: "http to a closed port is tried again", check: web("headless", 9999, 200, func(c *v1alpha1.HTTPGetCheck) { c.Retries = 3 }), want: "attempt 3 of 3", least: 750 * time.Millisecond},
		{name: "http to a silent port", check: web("headless", 5432, 200, func(c *v1alpha1.HTTPGetCheck) { c.Timeout = "1s" }), want: "no answer within 1s", most: 2 * time.Second},
		{name: "http to a port that speaks otherwise", check: web("headless", 2525, 200), want: "port 2525 of pod web: the "},
		{name: "https to a port without TLS", check: web("headless", 8080, 200, func(c *v1alpha1.HTTPGetCheck) { c.Scheme = "https" }), want: "does not speak TLS"},
		{name: "http to a port that the service has not", check: web("web", 82, 200), want: "Service web has no TCP port 82 (it has 80, 81, 83)"},
		{name: "http to a targetPort that the pod has not", check: web("web", 83, 200), want: `named "absent"`},
		{name: "http to a service without selector", check: web("external", 80, 200), want: "selects no pods"},
		{name: "http to a service whose pods are not ready", check: web("unready", 80, 200), want: "no pod behind Service unready is ready (1 exist)"},
		{name: "http to an absent service", check: web("absent", 80, 200), want: "Service absent not found in " + sandbox.Name + " (sandbox of shop)"},
		{name: "tcp to an open port", check: tcp(8080), pass: true, want: "accepts"},
		{name: "tcp to a silent port", check: tcp(5432), pass: true, want: "accepts", most: 2 * time.Second},
		{name: "tcp to a port that ends with its client", check: tcp(5433), pass: true, want: "accepts"},
		{name: "tcp to a port that speaks first", check: tcp(2525), pass: true, want: "accepts"},
		{name: "tcp to a closed port", check: tcp(9999), want: "connection refused"},
		{name: "exec ends with 0", check: run("true"), pass: true, want: "exit code 0"},
		{name: "exec ends with another code", check: run("exit 3"), want: "exit code 3, expected 0"},
		{name: "exec ends with the other code that is success", check: run("exit 3", func(c *v1alpha1.ExecCheck) { c.SuccessExitCode = 3 }), pass: true, want: "exit code 3"},
		{name: "exec ends with 0 when another code is success", check: run("exit 0", func(c *v1alpha1.ExecCheck) { c.SuccessExitCode = 3 }), want: "exit code 0, expected 3"},
		{name: "exec sleeps for ever", check: run("sleep 10000"), want: "the command did not end within 3s", least: 2900 * time.Millisecond, most: 4 * time.Second},
		{name: "exec in an unknown container", check: run("true", func(c *v1alpha1.ExecCheck) { c.Container = "absent" }), want: `has no container "absent" (it has main)`},
		{name: "exec of an unknown program", check: run("", func(c *v1alpha1.ExecCheck) { c.Command = []string{"/absent"} }), want: "container main of pod web has no program /absent"},
		{name: "exec prints a number that is enough", check: run("echo 4711; echo secret-stderr >&2", integer("gt", 100)), pass: true, want: "output as expected"},
		{name: "exec prints a number that is not enough", check: run("echo 4711", integer("lt", 100)), want: "output is not < 100"},
		{name: "exec prints without end", check: run("yes", integer("lt", 100)), want: "longer than 64 KiB", most: 2 * time.Second},
		{name: "all resources exist", check: exist("Secret", "key"), pass: true, want: "2 of 2"},
		{name: "a resource is missing", check: exist("Secret", "absent"), want: "Secret/absent not found"},
		{name: "a source namespace that the test has not", check: v1alpha1.HealthCheck{Name: "c", Namespace: "absent", HTTPGet: &v1alpha1.HTTPGetCheck{}}, want: `"absent" of the check is no source namespace of the test (it has shop)`},
	}
	for _, transport := range []string{"websocket", "spdy"} {
		config := config
		if transport == "spdy" {
			config = refuseWebSockets(t, config)
		}
		p := New(kubernetes.NewForConfigOrDie(config), metadata.NewForConfigOrDie(config), config)
		t.Run(transport, func(t *testing.T) {
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					start := time.Now()
					got := p.Run(ctx, tt.check, sandboxes, 0)
					took := time.Since(start)
					t.Log(got.Status, got.Duration, got.Message)
					if (got.Status == v1alpha1.CheckPass) != tt.pass || !strings.Contains(got.Message, tt.want) {
						t.Errorf("got %+v, want pass %v and a message with %q", got, tt.pass, tt.want)
					}
					if strings.Contains(got.Message, "secret") || strings.Contains(got.Message, "4711") {
						t.Errorf("the message holds output: %q", got.Message)
					}
					if took < tt.least || (tt.most > 0 && took > tt.most) {
						t.Errorf("took %s, want from %s to %s", took, tt.least, tt.most)
					}
				})
			}
		})
	}

	p := New(kube, metadata.NewForConfigOrDie(config), config)
	t.Run("the run's deadline ends a check", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		start := time.Now()
		got := p.Run(ctx, run("sleep 10000", func(c *v1alpha1.ExecCheck) { c.Timeout = "1m" }), sandboxes, 0)
		if took := time.Since(start); took > 2*time.Second || !strings.Contains(got.Message, "run's deadline") {
			t.Errorf("%s: %+v", took, got)
		}
	})
	t.Run("a namespace that is no sandbox is refused", func(t *testing.T) {
		got := p.Run(ctx, exist("Secret", "key"), []v1alpha1.SandboxNamespace{{Source: "shop", Name: "kube-system"}}, 0)
		if got.Message != "namespace kube-system is not the sandbox of this run" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the second of two sandboxes has the target", func(t *testing.T) {
		empty := v1alpha1.SandboxNamespace{Source: "other", Name: "default"}
		for _, check := range []v1alpha1.HealthCheck{web("web", 80, 200), tcp(8080), run("true"), pods(1, "")} {
			if got := p.Run(ctx, check, []v1alpha1.SandboxNamespace{empty, sandbox}, 0); got.Status != v1alpha1.CheckPass {
				t.Errorf("%+v", got)
			}
		}
	})
}

// restricted returns a config for a user who may do what the checks need, and nothing else.
func restricted(t *testing.T, kube kubernetes.Interface, config *rest.Config) *rest.Config {
	ctx := context.Background()
	role, err := kube.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"namespaces", "services", "secrets", "configmaps", "persistentvolumeclaims"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"pods/exec", "pods/portforward"}, Verbs: []string{"create"}},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets"}, Verbs: []string{"get"}},
	}}, metav1.CreateOptions{})
	must(t, err)
	_, err = kube.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: role.Name}}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = kube.RbacV1().ClusterRoleBindings().Delete(ctx, role.Name, metav1.DeleteOptions{})
		_ = kube.RbacV1().ClusterRoles().Delete(ctx, role.Name, metav1.DeleteOptions{})
	})
	config = rest.CopyConfig(config)
	config.Impersonate.UserName = role.Name
	return config
}

// refuseWebSockets returns a config for a proxy to the API server that knows no WebSocket, as some load balancers.
func refuseWebSockets(t *testing.T, config *rest.Config) *rest.Config {
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	config = rest.CopyConfig(config)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 cannot be upgraded
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			http.Error(w, "no websockets here", http.StatusBadRequest)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	// The proxy speaks for the user.
	return &rest.Config{Host: front.URL, QPS: config.QPS, Burst: config.Burst}
}

func prepare(t *testing.T, kube kubernetes.Interface) v1alpha1.SandboxNamespace {
	ctx := context.Background()
	namespace, err := kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "probe-", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		_ = kube.CoreV1().Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{})
	})
	name := namespace.Name
	pod := func(podName, app, script string, probe *corev1.Probe) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: podName, Namespace: name, Labels: map[string]string{"app": app}},
			Spec: corev1.PodSpec{
				AutomountServiceAccountToken: ptr.To(false), TerminationGracePeriodSeconds: ptr.To[int64](0),
				Containers: []corev1.Container{{
					Name: "main", Image: os.Getenv("KYMAROS_TEST_IMAGE"), Command: []string{"/bin/busybox", "sh", "-c", script}, ReadinessProbe: probe,
					Env:   []corev1.EnvVar{{Name: "PATH", Value: "/bin"}},
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				}},
			},
		}
	}
	service := func(serviceName, ip, app string, ports ...corev1.ServicePort) *corev1.Service {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: serviceName, Namespace: name}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports}}
		if app != "" {
			s.Spec.Selector = map[string]string{"app": app}
		}
		return s
	}
	port := func(n string, number int32, target intstr.IntOrString) corev1.ServicePort {
		return corev1.ServicePort{Name: n, Port: number, TargetPort: target}
	}
	never := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}}}
	// A pod needs its namespace's ServiceAccount, which comes a moment later.
	for i := 0; ; i++ {
		_, err := kube.CoreV1().Pods(name).Create(ctx, pod("web", "web", server, nil), metav1.CreateOptions{})
		if apierrors.IsForbidden(err) && i < 50 {
			_ = pause(ctx, 100*time.Millisecond)
			continue
		}
		must(t, err)
		break
	}
	_, err = kube.CoreV1().Pods(name).Create(ctx, pod("unready", "unready", "sleep 10000", never), metav1.CreateOptions{})
	must(t, err)
	for _, s := range []*corev1.Service{
		service("web", "", "web", port("a", 80, intstr.FromString("http")), port("b", 81, intstr.FromInt32(8080)), port("c", 83, intstr.FromString("absent"))),
		service("headless", corev1.ClusterIPNone, "web"),
		service("external", "", "", port("a", 80, intstr.IntOrString{})),
		service("unready", "", "unready", port("a", 80, intstr.IntOrString{})),
	} {
		_, err := kube.CoreV1().Services(name).Create(ctx, s, metav1.CreateOptions{})
		must(t, err)
	}
	_, err = kube.CoreV1().Secrets(name).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "key"}}, metav1.CreateOptions{})
	must(t, err)
	sandbox := v1alpha1.SandboxNamespace{Source: "shop", Name: name, UID: namespace.UID}
	p := Prober{kube: kube}
	ready := v1alpha1.HealthCheck{Name: "ready", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1, Timeout: "60s"}}
	if got := p.Run(ctx, ready, []v1alpha1.SandboxNamespace{sandbox}, 0); got.Status != v1alpha1.CheckPass {
		t.Fatalf("the server does not start: %+v", got)
	}
	return sandbox
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
