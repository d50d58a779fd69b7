package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/root"
	"github.com/kymaros/kymaros/test/plane"
)

// browser looks at a dashboard that runs until the end of the test.
type browser struct {
	t *testing.T
	*http.Client
	// address is what was printed; told is what was said beside it.
	address *url.URL
	told    *bytes.Buffer
}

// opened starts `kubectl kymaros dashboard` with the arguments, and opens the address that it prints.
func opened(t *testing.T, args ...string) *browser {
	t.Helper()
	t.Setenv("KUBECONFIG", kubeconfig)
	ctx, interrupt := context.WithCancel(context.WithoutCancel(t.Context()))
	read, out := io.Pipe()
	b := &browser{t: t, Client: &http.Client{}, told: &bytes.Buffer{}}
	code := make(chan exit.Code, 1)
	go func() {
		code <- root.Main(ctx, append([]string{"dashboard"}, args...), genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: b.told})
		_ = out.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	t.Cleanup(func() {
		b.CloseIdleConnections()
		interrupt()
		if got := <-code; got != exit.Verified {
			t.Errorf("interrupted, it ends with exit code %d: %s", got, b.told)
		}
		if response, err := http.Get(b.address.String()); err == nil {
			_ = response.Body.Close()
			t.Errorf("it still answers")
		}
	})
	if err != nil {
		t.Fatalf("it printed %q and %s: %v", line, b.told, err)
	}
	if b.address, err = url.Parse(strings.TrimSpace(line)); err != nil || b.address.Hostname() != "127.0.0.1" || len(b.address.Path) < 22 {
		t.Fatalf("it printed %q and %s: %v", line, b.told, err)
	}
	if b.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	b.wants(http.MethodGet, b.address.Path, http.StatusOK, "/")
	return b
}

// do sends a request with what the browser was given, and returns the status and the body of the answer.
func (b *browser) do(client *http.Client, method, path, host string) (int, string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, "http://"+b.address.Host+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("X-Kymaros-Request", "1")
	response, err := client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func (b *browser) wants(method, path string, status int, says string) {
	b.t.Helper()
	got, body := b.do(b.Client, method, path, "")
	if got != status || !strings.Contains(body, says) {
		b.t.Errorf("%s %s: %d, want %d and %q: %s", method, path, got, status, says, body)
	}
}

func TestTheDashboardIsShownToWhoKnowsItsAddress(t *testing.T) {
	rt := shop(t, "shown")
	b := opened(t)
	b.wants("GET", "/", 200, "<title>Kymaros</title>")
	b.wants("GET", "/api/v1/tests?namespace="+rt.Namespace, 200, `"shown"`)
	b.wants("GET", "/api/v1/namespaces/"+rt.Namespace+"/tests/shown", 200, `"backupSource"`)
	b.wants("GET", "/api/v1/config/sandbox", 200, `"orphanedSandboxes":`)
	stranger := &http.Client{}
	for _, path := range []string{"/", "/api/v1/tests", "/api/v1/health", "/static/icon.svg", "/AAAAAAAAAAAAAAAAAAAAAAAAAA/"} {
		if got, body := b.do(stranger, "GET", path, ""); got != http.StatusUnauthorized || !strings.Contains(body, "kubectl kymaros dashboard") {
			t.Errorf("without the secret, %s answers %d: %s", path, got, body)
		}
	}
	for _, path := range []string{"/api/v1/tests", b.address.Path} {
		if got, body := b.do(b.Client, "GET", path, "evil.example:"+b.address.Port()); got != http.StatusMisdirectedRequest {
			t.Errorf("by a foreign name, %s answers %d: %s", path, got, body)
		}
	}
	if !strings.Contains(b.told.String(), "all namespaces") || !strings.Contains(b.told.String(), "Ctrl-C") {
		t.Errorf("it said %s", b.told)
	}
}

func TestTheDashboardDoesWhatTheUserMayDoAndNoMore(t *testing.T) {
	ctx := t.Context()
	rt, other := shop(t, "theirs"), shop(t, "others")
	grant := func(verbs ...string) {
		t.Helper()
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, GenerateName: "dev-"}, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests", "restorereports", "healthcheckpolicies"}, Verbs: verbs,
		}}}
		role, err := cluster.Kube.RbacV1().Roles(rt.Namespace).Create(ctx, role, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, Name: role.Name},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: "web-dev"}}}
		if _, err := cluster.Kube.RbacV1().RoleBindings(rt.Namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		plane.Eventually(t, 100*time.Millisecond, time.Minute, func(ctx context.Context) error { //nolint:contextcheck // it has that of the test; the API server learns of it a moment later
			review, err := cluster.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: "web-dev", ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: rt.Namespace, Group: v1alpha1.GroupName, Resource: "restoretests", Verb: verbs[0]},
			}}, metav1.CreateOptions{})
			if err == nil && !review.Status.Allowed {
				err = fmt.Errorf("web-dev may not %s yet", verbs[0])
			}
			return err
		})
	}
	grant("get", "list", "watch")
	if a := kymaros(t, "dashboard", "--as", "web-dev"); a.code != exit.Unknown || !strings.Contains(a.err, "forbidden") || !strings.Contains(a.err, "namespace \"default\"") {
		t.Errorf("where they may see nothing: %d %s%s", a.code, a.out, a.err)
	}

	b := opened(t, "-n", rt.Namespace, "--as", "web-dev")
	b.wants("GET", "/api/v1/me?namespace="+rt.Namespace, 200, `"user":"web-dev"`)
	b.wants("GET", "/api/v1/tests", 200, `"theirs"`)
	b.wants("GET", "/api/v1/namespaces/"+other.Namespace+"/tests", 403, "web-dev may not list")
	b.wants("GET", "/api/v1/schedules", 403, "your own right")
	run := "/api/v1/namespaces/" + rt.Namespace + "/tests/theirs/trigger"
	b.wants("POST", run, 403, `cannot patch resource`)
	grant("patch")
	b.wants("POST", run, 200, "test triggered")
	now, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
	if err != nil || now.Annotations[v1alpha1.AnnotationRunRequested] == "" {
		t.Errorf("%+v %v", now.Annotations, err)
	}
}
