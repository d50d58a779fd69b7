package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestMetricsNeedATokenThatMayGetThem asks a controller behind the fence, which must not keep it from asking the API server.
func TestMetricsNeedATokenThatMayGetThem(t *testing.T) {
	installFence(t)
	c := aloneWith(t, noProof, true)
	ns := newNamespace(t, "metrics")
	scraper, other := accountToken(t, ns, "scraper"), accountToken(t, ns, "other")
	binding, err := kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "scraper-" + ns},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kymaros-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "scraper"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kube.RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		name, token, says string
		code              int
	}{
		{"a token that is bound to kymaros-metrics-reader", scraper, "kymaros_leading 1", http.StatusOK},
		{"the same token, for what the leader looks at", scraper, "kymaros_fence_intact", http.StatusOK},
		{"a token of another", other, "system:serviceaccount:" + ns + ":other may not get /metrics", http.StatusForbidden},
		{"a token that nobody issued", "invented", "does not accept this token", http.StatusUnauthorized},
		{"no token", "", "no bearer token", http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The port opens, and the API server learns of the binding, a moment later.
			eventually(t, stepTimeout, func(ctx context.Context) error {
				code, body, err := c.scrape(ctx, tt.token)
				if err == nil && (code != tt.code || !strings.Contains(body, tt.says)) {
					err = fmt.Errorf("got %d %.200q, want %d with %q", code, body, tt.code, tt.says)
				}
				return err
			})
		})
	}
}

// scrape asks for the metrics with that token, none if it is empty.
func (c *controller) scrape(ctx context.Context, token string) (code int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.metrics+"/metrics", http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(all), err
}

// accountToken creates a ServiceAccount and returns a token of it.
func accountToken(t *testing.T, namespace, name string) string {
	t.Helper()
	accounts := kube.CoreV1().ServiceAccounts(namespace)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}
