package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AccountToken makes a ServiceAccount beside the RestoreTests and returns a token of it. With a ClusterRole, it has that until
// t ends.
func (c *Cluster) AccountToken(t testing.TB, name, clusterRole string) string {
	t.Helper()
	accounts := c.Kube.CoreV1().ServiceAccounts(c.Tests)
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := accounts.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	if clusterRole != "" {
		bindings := c.Kube.RbacV1().ClusterRoleBindings()
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: c.Name(name)},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: c.Tests, Name: name}},
		}
		if _, err := bindings.Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := bindings.Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token.Status.Token
}

// Scrape asks a process of ours, by its component, for its metrics from a web server's pod of that namespace, as a Prometheus would, with a token
// or, if it is empty, without. The error says what it answers instead.
func (c *Cluster) Scrape(ctx context.Context, namespace, component, token string) (string, error) {
	from, err := c.onePod(ctx, namespace, "app=web")
	if err != nil {
		return "", err
	}
	to, err := c.onePod(ctx, SystemNamespace, "app.kubernetes.io/component="+component)
	if err != nil {
		return "", err
	}
	command := []string{"wget", "-q", "-O", "-"}
	if token != "" {
		command = append(command, "--header", "Authorization: Bearer "+token)
	}
	return c.Exec(ctx, namespace, from.Name, append(command, "http://"+net.JoinHostPort(to.Status.PodIP, "8080")+"/metrics")...)
}

func (c *Cluster) onePod(ctx context.Context, namespace, labels string) (*corev1.Pod, error) {
	pods, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels})
	if err == nil && len(pods.Items) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("pod %s of namespace %s: %w", labels, namespace, err)
	}
	return &pods.Items[0], nil
}
