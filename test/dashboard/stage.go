package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/retry"

	"github.com/kymaros/kymaros/cmd/kymaros-api/app"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/test/plane"
)

// Stage is a company with its tests, and the API that tells of them.
type Stage struct {
	*plane.Cluster
	// Address of the dashboard, http://host:port.
	Address string
	// Secure is the same over TLS, with a certificate that nobody knows.
	Secure  string
	scratch string
	chains  *chains
	// stopAPI ends kymaros-api, whose end is told by apiEnded.
	stopAPI  context.CancelFunc
	apiEnded chan error
}

// NewStage starts a control plane, fills it, and serves the API on an address of loopback until ctx ends; Stop ends the rest.
// root is the top of the repository.
func NewStage(ctx context.Context, root, address string) (*Stage, error) {
	cluster, err := plane.Start(root, "", "dashboard")
	if err != nil {
		return nil, err
	}
	s := &Stage{Cluster: cluster, Address: "http://" + address}
	secure, err := Free()
	if err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	s.Secure = "https://" + secure
	if s.scratch, err = os.MkdirTemp("", "kymaros-dashboard-"); err == nil {
		err = s.fill(ctx)
	}
	if err == nil {
		err = s.writeKubeconfig(ctx)
	}
	if err == nil {
		err = s.StartAPI(ctx)
	}
	if err != nil {
		_ = s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends all of it.
func (s *Stage) Stop() error {
	if s.stopAPI != nil {
		_ = s.StopAPI()
	}
	_ = os.RemoveAll(s.scratch)
	return s.Cluster.Stop()
}

func (s *Stage) fill(ctx context.Context) error {
	if err := s.Install(ctx); err != nil {
		return err
	}
	var err error
	if s.chains, err = newChains(); err != nil {
		return err
	}
	now := time.Now()
	var known []string
	for _, a := range company() {
		if !slices.Contains(known, a.namespace) {
			known = append(known, a.namespace)
			if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: a.namespace, Annotations: map[string]string{v1alpha1.AnnotationCoverage: "ignore: holds tests and reports"}}}, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		for n := a.nights - 1; n >= 0; n-- {
			report := a.report(now, n)
			if n < a.nights-a.older {
				if err := s.chains.seal(&a, report); err != nil {
					return err
				}
			}
			if err := s.PutReport(ctx, report); err != nil {
				return err
			}
		}
		rt := a.test(now)
		s.chains.head(rt)
		if err := s.PutTest(ctx, rt); err != nil {
			return err
		}
	}
	if err := s.cluster(ctx); err != nil {
		return err
	}
	return s.people(ctx)
}

// PutTest makes a test, or has it be otherwise. A controller may be at work beside it.
func (s *Stage) PutTest(ctx context.Context, rt *v1alpha1.RestoreTest) error {
	tests := s.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace)
	if _, err := tests.Create(ctx, rt.DeepCopy(), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("test %s: %w", rt.Name, err)
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		made, err := tests.Get(ctx, rt.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		made.Status = rt.Status
		_, err = tests.UpdateStatus(ctx, made, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("status of test %s: %w", rt.Name, err)
	}
	return nil
}

// PutReport writes a report as the controller does.
func (s *Stage) PutReport(ctx context.Context, r *v1alpha1.RestoreReport) error {
	reports := s.Kymaros.RestoreV1alpha1().RestoreReports(r.Namespace)
	as := controller.FieldManager(controller.Report)
	made, err := reports.Create(ctx, r.DeepCopy(), metav1.CreateOptions{FieldManager: as})
	if err != nil {
		return fmt.Errorf("report %s: %w", r.Name, err)
	}
	made.Status = r.Status
	if _, err := reports.UpdateStatus(ctx, made, metav1.UpdateOptions{FieldManager: as}); err != nil {
		return fmt.Errorf("status of report %s: %w", r.Name, err)
	}
	return nil
}

// people are ServiceAccounts that look at the dashboard: one may do all, one read all tests and reports, one read team-pay, one the
// cluster and its backups but no volumes, one nothing.
func (s *Stage) people(ctx context.Context) error {
	all := func(verbs ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"*"}, Verbs: verbs}}
	}
	sees := func(group string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: []string{"get", "list"}}
	}
	oncall := append(all("*"), sees("", "namespaces", "persistentvolumeclaims", "pods"), sees("velero.io", "*"))
	surveyor := append(all("get", "list", "watch"), sees("", "namespaces"), sees("velero.io", "backups"))
	for name, rules := range map[string][]rbacv1.PolicyRule{"oncall": oncall, "surveyor": surveyor, "auditor": all("get", "list", "watch"), "payer": nil, "stranger": nil} {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
		if _, err := s.Kube.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
			return err
		}
		if rules == nil {
			continue
		}
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "dashboard-" + name}, Rules: rules}
		if _, err := s.Kube.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return err
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role.Name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: name}},
		}
		if _, err := s.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-pay", Name: "payer"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "dashboard-auditor"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: "payer"}},
	}
	_, err := s.Kube.RbacV1().RoleBindings("team-pay").Create(ctx, binding, metav1.CreateOptions{})
	return err
}

// Token returns one of a ServiceAccount; without an audience it is good for the API server.
func (s *Stage) Token(ctx context.Context, namespace, name string, audiences ...string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: new(int64(4 * 3600))}}
	made, err := s.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return made.Status.Token, nil
}

// writeKubeconfig writes that of kymaros-api, with the rights that the manifests give it.
func (s *Stage) writeKubeconfig(ctx context.Context) error {
	token, err := s.Token(ctx, plane.SystemNamespace, "kymaros-api")
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: s.Admin.Host, CertificateAuthorityData: s.Admin.CAData, CertificateAuthority: s.Admin.CAFile}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, s.kubeconfig())
}

func (s *Stage) kubeconfig() string { return filepath.Join(s.scratch, "kubeconfig") }

// StartAPI runs kymaros-api, and returns when it is ready.
func (s *Stage) StartAPI(ctx context.Context) error {
	plain := app.NewOptions()
	plain.Kubeconfig, plain.InsecureHTTP = s.kubeconfig(), true
	plain.BindAddress, plain.HealthAddress = strings.TrimPrefix(s.Address, "http://"), ""
	secured := app.NewOptions()
	secured.Kubeconfig, secured.BindAddress, secured.HealthAddress = s.kubeconfig(), strings.TrimPrefix(s.Secure, "https://"), ""
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	s.stopAPI, s.apiEnded = stop, ended
	go func() {
		overTLS := make(chan error, 1)
		go func() { overTLS <- app.Run(running, secured) }()
		ended <- errors.Join(app.Run(running, plain), <-overTLS)
	}()
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		select {
		case err := <-ended:
			ended <- err
			return false, fmt.Errorf("kymaros-api ended: %w", err)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+"/readyz", nil)
		if err != nil {
			return false, err
		}
		r, err := http.DefaultClient.Do(request)
		if r == nil { // nobody listens yet
			return false, ctx.Err()
		}
		return r.StatusCode == http.StatusOK, errors.Join(err, r.Body.Close())
	})
}

// StopAPI ends kymaros-api and waits for that.
func (s *Stage) StopAPI() error {
	s.stopAPI()
	err := <-s.apiEnded
	s.apiEnded <- err
	return err
}

// Free returns an address of loopback that nobody listens at.
func Free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
