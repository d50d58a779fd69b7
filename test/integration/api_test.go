package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/cmd/kymaros-api/app"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	protocol "github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/test/plane"
)

// theServer is kymaros-api in this process, with the ServiceAccount of the manifests, behind a proxy that counts what it asks for.
type theServer struct {
	*proxy
	address string
}

// startAPI starts kymaros-api, and ends it with t.
func startAPI(t testing.TB) *theServer {
	t.Helper()
	p, err := newProxy()
	if err != nil {
		t.Fatal(err)
	}
	file, err := cluster.Kubeconfig(t.Context(), "kymaros-api", scratch, p.server.URL, p.authority(), 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	options := app.NewOptions()
	options.Kubeconfig, options.HealthAddress, options.InsecureHTTP = file, "", true
	if options.BindAddress, err = freeAddress(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, options) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the API ends with %v", err)
		}
		p.close()
	})
	s := &theServer{proxy: p, address: "http://" + options.BindAddress}
	plane.Eventually(t, poll, stepTimeout, func(ctx context.Context) error {
		a, err := s.ask(ctx, http.MethodGet, "/readyz", "", "")
		if err == nil && a.code != http.StatusOK {
			err = fmt.Errorf("not ready: %d %s", a.code, a.body)
		}
		return err
	})
	return s
}

// reply is what the API answered.
type reply struct {
	code   int
	body   string
	header http.Header
}

// ask asks the API with a token, none if it is empty, and a body of JSON. Of a stream it reads nothing.
func (s *theServer) ask(ctx context.Context, method, path, token, body string) (reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.address+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	if answer.Header.Get("Content-Type") == "text/event-stream" {
		return reply{code: answer.StatusCode, header: answer.Header}, nil
	}
	all, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, string(all), answer.Header}, err
}

// do asks the API, and once more if it was too much at once.
func (s *theServer) do(t testing.TB, method, path, token, body string) reply {
	t.Helper()
	var a reply
	plane.Eventually(t, poll, stepTimeout, func(ctx context.Context) error {
		var err error
		a, err = s.ask(ctx, method, path, token, body)
		if err == nil && (a.code == http.StatusTooManyRequests || a.code == http.StatusServiceUnavailable) {
			err = fmt.Errorf("%s %s: %d %s", method, path, a.code, a.body)
		}
		return err
	})
	return a
}

// callerToken makes a ServiceAccount, and returns a token of it for those audiences; none: for the API server.
func callerToken(t testing.TB, namespace, name string, audiences ...string) string {
	t.Helper()
	accounts := kube.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// endedToken is a token that was good for the API server until an hour ago.
func endedToken(t *testing.T, good string) string {
	t.Helper()
	text, err := os.ReadFile(cluster.SigningKey())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	claims["iat"], claims["nbf"], claims["exp"] = now-7200, now-7200, now-3600
	if payload, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	signed := parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// grant binds a ServiceAccount to what a role of its own may: in one namespace, or everywhere if that is empty.
func grant(t testing.TB, account, of, namespace string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	subject := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: of, Name: account}}
	name := "api-" + of + "-" + account
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	if _, err := kube.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	var err error
	if namespace == "" {
		_, err = kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subject}, metav1.CreateOptions{})
	} else {
		_, err = kube.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subject}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if namespace == "" {
			err = kube.RbacV1().ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{})
		}
		if err := kube.RbacV1().ClusterRoles().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	rule := rules[len(rules)-1]
	if len(rule.APIGroups) == 0 {
		return
	}
	plane.Eventually(t, poll, stepTimeout, func(ctx context.Context) error {
		review, err := kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + of + ":" + account,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0],
			},
		}}, metav1.CreateOptions{})
		if err == nil && !review.Status.Allowed {
			err = fmt.Errorf("%s may not yet", account)
		}
		return err
	})
}

// filled gives a namespace a test, a report of it, and a policy, which all say a word.
func filled(t testing.TB, ns, word string) {
	t.Helper()
	ctx := t.Context()
	for _, name := range []string{"shop", word + "-ledger"} {
		rt := restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: word + "-source"}}
			rt.Spec.Suspend, rt.Spec.Schedule.RunOnCreate = true, new(false)
			rt.Spec.Notifications = &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "slack", Channel: "#" + word}}}
		})
		if _, err := kymaros.RestoreV1alpha1().RestoreTests(ns).Create(ctx, rt, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := kymaros.RestoreV1alpha1().RestoreTests(ns).DeleteCollection(context.WithoutCancel(ctx), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"shop-1", word + "-1"} {
		report(t, ns, name, "shop", word)
	}
	for _, name := range []string{"shop", word + "-checks"} {
		policy := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{{
			Name: word, Type: v1alpha1.CheckTCPSocket, TCPSocket: &v1alpha1.TCPSocketCheck{Service: word, Port: 5432},
		}}}}
		if _, err := kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Create(ctx, policy, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// report makes a RestoreReport as the controller does.
func report(t testing.TB, ns, name, test, word string) {
	t.Helper()
	manager := protocol.FieldManager(protocol.Report)
	all := kymaros.RestoreV1alpha1().RestoreReports(ns)
	made, err := all.Create(t.Context(), &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.RestoreReportSpec{TestRef: test, RunID: name},
	}, metav1.CreateOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
	made.Status = passed()
	made.Status.Result, made.Status.Score = v1alpha1.ResultFail, 10
	made.Status.Message, made.Status.Backup.Name = "said by "+word, word+"-nightly"
	made.Status.Sandboxes = nil
	if name == word+"-1" { // the coverage names it
		made.Status.Sandboxes = []v1alpha1.ReportSandbox{{Source: ns, Name: "rp-" + word}}
	}
	if _, err := all.UpdateStatus(t.Context(), made, metav1.UpdateOptions{FieldManager: manager}); err != nil {
		t.Fatal(err)
	}
}
