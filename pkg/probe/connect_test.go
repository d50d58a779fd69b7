package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var shop = []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sandbox-1", UID: "uid-1"}}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-1", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}}
}

func pod(name string, ready corev1.ConditionStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sandbox-1", UID: "uid-" + "pod", Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}, {Name: "side"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func service(ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "sandbox-1"},
		Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.1", Selector: map[string]string{"app": "web"}, Ports: ports}}
}

var web = []runtime.Object{namespace("sandbox-1"), pod("web-0", corev1.ConditionTrue), service(corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")})}

func TestTCPSocket(t *testing.T) {
	serve := func(handle func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go handle(c)
			}
		}()
		return l.Addr().String()
	}
	tests := []struct {
		name string
		node node
		pass bool
		want string
	}{
		{"a silent server accepts", node{dial: loopback(serve(func(net.Conn) {}))}, true, "port 8080 of pod web-0 accepts connections"},
		{"a server that speaks first accepts", node{dial: loopback(serve(func(c net.Conn) { fmt.Fprint(c, "220 secret") }))}, true, "port 8080 of pod web-0 accepts connections"},
		{"a server that closes at once accepts", node{dial: loopback(serve(func(c net.Conn) { c.Close() }))}, true, "port 8080 of pod web-0 accepts connections"},
		{"a closed port refuses", node{dial: loopback("")}, false, "port 8080 of pod web-0: connection refused"},
		{"a port that is refused late still refuses", node{dial: func(int) (net.Conn, error) {
			<-time.After(1500 * time.Millisecond)
			return loopback("")(0)
		}}, false, "port 8080 of pod web-0: connection refused"},
		{"a node that fails otherwise is no success", node{dial: func(int) (net.Conn, error) { return nil, fmt.Errorf("no such network namespace") }}, false, "port 8080 of pod web-0: the node could not connect to the port"},
		{"a node that hangs up is no success", node{gone: true}, false, "port 8080 of pod web-0: lost the connection to the node"},
		{"a node that says nothing is no success", node{dead: true}, false, "the connection was neither accepted nor refused within 2s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &Prober{kube: fake.NewClientset(web...), dial: tt.node.connect(t)}
			got := p.Run(t.Context(), v1alpha1.HealthCheck{TCPSocket: &v1alpha1.TCPSocketCheck{Service: "web", Port: 80, Timeout: "2s"}}, shop, 0)
			if (got.Status == v1alpha1.CheckPass) != tt.pass || got.Message != tt.want {
				t.Errorf("got %+v, want pass %v, message %q", got, tt.pass, tt.want)
			}
		})
	}
}

func TestHTTPGet(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/host":
			if r.Host != "web" || r.URL.RawQuery != "a=b" {
				w.WriteHeader(http.StatusTeapot)
			}
		case "/redirect":
			http.Redirect(w, r, "/secret-elsewhere", http.StatusFound)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/silent":
			<-r.Context().Done()
		case "/garbage":
			c, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprint(c, "secret \x1b[2J\r\n\r\n")
			c.Close()
		case "/hints":
			c, _, _ := w.(http.Hijacker).Hijack()
			defer c.Close()
			for {
				if _, err := fmt.Fprint(c, "HTTP/1.1 103 Early Hints\r\nLink: secret\r\n\r\n"); err != nil {
					return
				}
			}
		case "/switch":
			c, _, _ := w.(http.Hijacker).Hijack()
			defer c.Close()
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: secret\r\n\r\n\x1b[2J")
		case "/reason":
			c, _, _ := w.(http.Hijacker).Hijack()
			defer c.Close()
			fmt.Fprint(c, "HTTP/1.1 500 \x1b[2Jsecret\r\nContent-Length: 0\r\n\r\n")
		case "/header":
			w.Header().Set("X-Large", strings.Repeat("secret", 20000))
		case "/nothing":
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		default:
			http.NotFound(w, r)
		}
	})
	plain := httptest.NewServer(handler)
	defer plain.Close()
	secure := httptest.NewTLSServer(handler)
	defer secure.Close()

	tests := []struct {
		name   string
		path   string
		status int32
		https  bool
		server string
		pass   bool
		want   string
	}{
		{"the host is the service, the query is kept", "/host?a=b", 200, false, plain.Listener.Addr().String(), true, "status 200"},
		{"https is not verified", "/host?a=b", 200, true, secure.Listener.Addr().String(), true, "status 200"},
		{"a redirect is not followed", "/redirect", 200, false, plain.Listener.Addr().String(), false, "status 302, expected 200"},
		{"a redirect can be expected", "/redirect", 302, false, plain.Listener.Addr().String(), true, "status 302"},
		{"a wrong status fails", "/absent", 200, false, plain.Listener.Addr().String(), false, "status 404, expected 200"},
		{"an endless body is not read", "/endless", 200, false, plain.Listener.Addr().String(), true, "status 200"},
		{"a server that does not answer times out", "/silent", 200, false, plain.Listener.Addr().String(), false, "no answer within 2s"},
		{"garbage is not quoted", "/garbage", 200, false, plain.Listener.Addr().String(), false, "port 8080 of pod web-0: the answer is not HTTP"},
		{"endless headers are not read", "/header", 200, false, plain.Listener.Addr().String(), false, "port 8080 of pod web-0: the answer is not HTTP"},
		{"endless hints before the answer are not read", "/hints", 200, false, plain.Listener.Addr().String(), false, "port 8080 of pod web-0: the answer is not HTTP"},
		{"another protocol is not spoken", "/switch", 200, false, plain.Listener.Addr().String(), false, "status 101, expected 200"},
		{"of a status only the number is told", "/reason", 200, false, plain.Listener.Addr().String(), false, "status 500, expected 200"},
		{"a server may hang up", "/nothing", 200, false, plain.Listener.Addr().String(), false, "port 8080 of pod web-0: the connection was closed without an answer"},
		{"a port without TLS fails https", "/", 200, true, plain.Listener.Addr().String(), false, "port 8080 of pod web-0: the port does not speak TLS"},
		{"a closed port", "/", 200, false, "", false, "port 8080 of pod web-0: connection refused"},
		{"a path cannot name another host", "@elsewhere/", 200, false, plain.Listener.Addr().String(), false, "httpGet.path must begin with /"},
		{"a path that is none", "/%zz", 200, false, plain.Listener.Addr().String(), false, "httpGet.path is no path of a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := node{dial: loopback(tt.server)}
			p := &Prober{kube: fake.NewClientset(web...), dial: n.connect(t)}
			check := &v1alpha1.HTTPGetCheck{Service: "web", Port: 80, Path: tt.path, ExpectedStatus: tt.status}
			if tt.https {
				check.Scheme = "https"
			}
			got := p.Run(t.Context(), v1alpha1.HealthCheck{HTTPGet: check}, shop, 2*time.Second)
			if (got.Status == v1alpha1.CheckPass) != tt.pass || got.Message != tt.want {
				t.Errorf("got %+v, want pass %v, message %q", got, tt.pass, tt.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	n := node{dead: true}
	p := &Prober{kube: fake.NewClientset(web...), dial: n.connect(t)}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	got := p.Run(ctx, v1alpha1.HealthCheck{TCPSocket: &v1alpha1.TCPSocketCheck{Service: "web", Port: 80, Retries: 100, Timeout: "1m"}}, shop, 0)
	if took := time.Since(start); took > time.Second || got.Status != v1alpha1.CheckUnknown || got.Message != "not finished before the run's deadline" {
		t.Errorf("after %s: %+v", took, got)
	}
}
