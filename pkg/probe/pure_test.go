package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestResolve(t *testing.T) {
	gone := pod("web-0", corev1.ConditionTrue)
	gone.DeletionTimestamp = &metav1.Time{}
	sidecar := pod("web-0", corev1.ConditionTrue)
	sidecar.Spec.InitContainers = []corev1.Container{
		{Name: "init", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 1}}},
		{Name: "proxy", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways), Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9090}}},
	}
	headless := func(ports ...corev1.ServicePort) *corev1.Service {
		s := service(ports...)
		s.Spec.ClusterIP = corev1.ClusterIPNone
		return s
	}
	tests := []struct {
		name    string
		service *corev1.Service
		port    int32
		pods    []corev1.Pod
		pod     string
		number  int32
		err     string
	}{
		{"a named targetPort is the container's", service(corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "web-0", 8080, ""},
		{"a numeric targetPort is taken as it is", service(corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(81)}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "web-0", 81, ""},
		{"without targetPort it is the port", service(corev1.ServicePort{Port: 80}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "web-0", 80, ""},
		{"a sidecar may have the named port, an init container not", service(corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("metrics")}), 80, []corev1.Pod{*sidecar}, "web-0", 9090, ""},
		{"a headless service without ports leads to any", headless(), 5432, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "web-0", 5432, ""},
		{"a headless service with ports leads to its targetPort", headless(corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "web-0", 8080, ""},
		{"the first ready pod is taken", service(corev1.ServicePort{Port: 80}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionFalse), *pod("web-1", corev1.ConditionTrue)}, "web-1", 80, ""},
		{"a pod that is going is not ready", service(corev1.ServicePort{Port: 80}), 80, []corev1.Pod{*gone}, "", 0, "no pod behind Service web is ready (1 exist)"},
		{"no pod at all", service(corev1.ServicePort{Port: 80}), 80, nil, "", 0, "no pod behind Service web is ready (0 exist)"},
		{"a UDP port is no port for a connection", service(corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP}), 53, nil, "", 0, "Service web has no TCP port 53 (it has none)"},
		{"a port that the service has not", service(corev1.ServicePort{Port: 80}, corev1.ServicePort{Port: 443}), 81, nil, "", 0, "Service web has no TCP port 81 (it has 80, 443)"},
		{"a name that no container has", service(corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("absent")}), 80, []corev1.Pod{*pod("web-0", corev1.ConditionTrue)}, "", 0, `no ready pod behind Service web has a container port named "absent", which is the targetPort of port 80`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod, number, err := resolve(tt.service, tt.port, tt.pods)
			if pod != tt.pod || number != tt.number || text(err) != tt.err {
				t.Errorf("got %s:%d, %v; want %s:%d, %s", pod, number, err, tt.pod, tt.number, tt.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMatch(t *testing.T) {
	integer := func(operator string, value int64) *v1alpha1.Expectation {
		return &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: operator, Value: value}}
	}
	tests := []struct {
		name   string
		expect *v1alpha1.Expectation
		output string
		want   string
	}{
		{"equal text", &v1alpha1.Expectation{Equals: new("ok")}, "ok", ""},
		{"other text", &v1alpha1.Expectation{Equals: new("ok")}, "ok 4711", "output does not equal the expected text"},
		{"empty text is a text", &v1alpha1.Expectation{Equals: new("")}, "4711", "output does not equal the expected text"},
		{"a regex matches somewhere", &v1alpha1.Expectation{Regex: new("4[0-9]")}, "a 47", ""},
		{"a regex that is anchored", &v1alpha1.Expectation{Regex: new("^4$")}, "4711", "output does not match the regular expression"},
		{"a regex that is none", &v1alpha1.Expectation{Regex: new("(")}, "4711", "expect.regex is no regular expression (RE2 syntax): error parsing regexp: missing closing ): `(`"},
		{"eq holds", integer("eq", 4711), "4711", ""},
		{"eq fails", integer("eq", 1), "4711", "output is not = 1"},
		{"ne holds", integer("ne", 1), "4711", ""},
		{"ne fails", integer("ne", 4711), "4711", "output is not ≠ 4711"},
		{"gt holds", integer("gt", 4710), "4711", ""},
		{"gt fails at the bound", integer("gt", 4711), "4711", "output is not > 4711"},
		{"ge holds at the bound", integer("ge", 4711), "4711", ""},
		{"ge fails", integer("ge", 5000), "4711", "output is not ≥ 5000"},
		{"lt holds", integer("lt", 0), "-1", ""},
		{"lt fails at the bound", integer("lt", -1), "-1", "output is not < -1"},
		{"le holds at the bound", integer("le", -1), "-1", ""},
		{"le fails", integer("le", -2), "-1", "output is not ≤ -2"},
		{"no number", integer("gt", 1), "4711 rows", "output is not a whole number of 64 bits"},
		{"nothing is no number", integer("ge", 0), "", "output is not a whole number of 64 bits"},
		{"a number that is too long", integer("gt", 1), "99999999999999999999", "output is not a whole number of 64 bits"},
		{"an unknown operator", integer("~", 1), "1", `expect.integer.operator "~" is unknown: use eq, ne, gt, ge, lt or le`},
		{"nothing expected", &v1alpha1.Expectation{}, "1", "expect is empty: give one of equals, regex and integer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(match(tt.expect, tt.output)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSanitize(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "status 200, expected 302 – ü", "status 200, expected 302 – ü"},
		{"terminal escapes go", "a\x1b[2Jb\x07c\u009bd", "a[2Jbcd"},
		{"lines become one", " a\r\nb\t c ", "a b c"},
		{"marks of direction go", "a\u202eb\u200fc", "abc"},
		{"broken UTF-8 becomes a blank", "a\xffb", "a b"},
		{"long text is cut between characters", strings.Repeat("ü", 200), strings.Repeat("ü", 126) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sanitize(tt.in)
			if got != tt.want || len(got) > maxMessage {
				t.Errorf("got %q (%d), want %q", got, len(got), tt.want)
			}
		})
	}
}

func TestAttempts(t *testing.T) {
	fails := errors.New("refused")
	tests := []struct {
		name    string
		n       int32
		run     time.Duration // until the run's deadline
		try     func(ctx context.Context, i int) (string, error)
		tries   int
		after   time.Duration
		message string
		err     string
	}{
		{"success ends it", 5, time.Hour, func(context.Context, int) (string, error) { return "ok", nil }, 1, 0, "ok", ""},
		{"zero attempts are one", 0, time.Hour, func(context.Context, int) (string, error) { return "", fails }, 1, 0, "", "refused"},
		{"delays double from 250 ms", 4, time.Hour, func(context.Context, int) (string, error) { return "", fails }, 4, 1750 * time.Millisecond, "", "refused (attempt 4 of 4)"},
		{"delays end at 5 s", 8, time.Hour, func(context.Context, int) (string, error) { return "", fails }, 8, 17750 * time.Millisecond, "", "refused (attempt 8 of 8)"},
		{"a later attempt may succeed", 3, time.Hour, func(_ context.Context, i int) (string, error) {
			if i < 2 {
				return "", fails
			}
			return "ok", nil
		}, 2, 250 * time.Millisecond, "ok", ""},
		{"a final error ends it", 5, time.Hour, func(context.Context, int) (string, error) { return "", fmt.Errorf("in x: %w", finalf("no such port")) }, 1, 0, "", "in x: no such port"},
		{"each attempt has the timeout", 2, time.Hour, func(ctx context.Context, _ int) (string, error) { <-ctx.Done(); return "", ctx.Err() }, 2, 20250 * time.Millisecond, "", "no answer within 10s (attempt 2 of 2)"},
		{"the run's deadline ends an attempt", 2, time.Second, func(ctx context.Context, _ int) (string, error) { <-ctx.Done(); return "", ctx.Err() }, 1, time.Second, "", "not finished before the run's deadline"},
		{"the run's deadline ends a pause, and the last error is told", 9, 2 * time.Second, func(context.Context, int) (string, error) { return "", fails }, 4, 2 * time.Second, "", "not finished before the run's deadline; the last attempt: refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.run)
				defer cancel()
				start, tries := time.Now(), 0
				message, err := attempts(ctx, tt.n, 10*time.Second, "no answer", func(ctx context.Context) (string, error) {
					tries++
					return tt.try(ctx, tries)
				})
				if took := time.Since(start); tries != tt.tries || took != tt.after || message != tt.message || text(err) != tt.err {
					t.Errorf("got %q, %q in %d tries and %s", message, text(err), tries, took)
				}
			})
		})
	}
}

func TestReadWaitsForTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		got, err := read(t.Context(), func(context.Context) (string, error) {
			if calls++; calls < 3 {
				return "", apierrors.NewServiceUnavailable("restarting")
			}
			return "ok", nil
		})
		if got != "ok" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := read(t.Context(), func(context.Context) (string, error) {
			return "", apierrors.NewForbidden(corev1.Resource("pods"), "x", errors.New("no"))
		}); !apierrors.IsForbidden(err) {
			t.Errorf("what does not pass is told at once, got %v", err)
		}
		_, err = attempts(t.Context(), 1, time.Second, "no answer", func(ctx context.Context) (string, error) {
			return read(ctx, func(context.Context) (string, error) { return "", apierrors.NewServiceUnavailable("down") })
		})
		if text(err) != "the API server did not answer: down" {
			t.Errorf("got %v", err)
		}
	})
}

func TestOnlyAnAnswerIsHeldAgainstTheApplication(t *testing.T) {
	status := func(code int32) error { return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code}} }
	for name, tt := range map[string]struct {
		err  error
		want v1alpha1.CheckResult
	}{
		"the connection is reset":                       {&url.Error{Op: "Get", URL: "/", Err: errors.New("stream error: stream ID 7; INTERNAL_ERROR")}, v1alpha1.CheckUnknown},
		"the connection ends in the middle of the body": {errors.New("stream error when reading response body, please retry"), v1alpha1.CheckUnknown},
		"nobody resolves the server's name":             {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}, v1alpha1.CheckUnknown},
		"a gateway has no server":                       {status(http.StatusBadGateway), v1alpha1.CheckUnknown},
		"the token is being renewed":                    {status(http.StatusUnauthorized), v1alpha1.CheckUnknown},
		"the version is forgotten":                      {status(http.StatusGone), v1alpha1.CheckUnknown},
		"a right is refused":                            {apierrors.NewForbidden(corev1.Resource("pods"), "web-1", errors.New("RBAC: clusterrole not found")), v1alpha1.CheckUnknown},
		"the object is not there":                       {status(http.StatusNotFound), v1alpha1.CheckFail},
		"the request makes no sense":                    {status(http.StatusBadRequest), v1alpha1.CheckFail},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, kind := range []v1alpha1.HealthCheck{
					{PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1}},
					{HTTPGet: &v1alpha1.HTTPGetCheck{Service: "web", Port: 80, Path: "/", ExpectedStatus: 200}},
					{Exec: &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}}},
				} {
					client := fake.NewClientset(namespace("sandbox-1"))
					client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
						return action.GetResource().Resource != "namespaces", nil, tt.err
					})
					p := &Prober{kube: client}
					if got := p.Run(t.Context(), kind, shop, 0); got.Status != tt.want {
						t.Errorf("%+v, want %s", got, tt.want)
					}
				}
			})
		})
	}
}
