package plane

import (
	"context"
	"fmt"
	"os"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig writes a file into dir with which a process of ours talks to a server, known by its certificate, as a ServiceAccount of the
// manifests: a verb that they do not grant fails here too. A kubelet asks for its token: behind the fence nobody else gets one, and none
// for longer than ten minutes, which a controller that all tests share may live.
func (c *Cluster) Kubeconfig(ctx context.Context, account, dir, server string, authority []byte, lifetime time.Duration) (string, error) {
	pod, err := c.podOf(ctx, account)
	if err != nil {
		return "", fmt.Errorf("pod of %s: %w", account, err)
	}
	kubelet := rest.CopyConfig(c.Admin)
	kubelet.Impersonate = rest.ImpersonationConfig{UserName: "kubelet", Groups: []string{"system:nodes", "system:masters"}}
	client, err := kubernetes.NewForConfig(kubelet)
	if err != nil {
		return "", err
	}
	token, err := client.CoreV1().ServiceAccounts(SystemNamespace).CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			ExpirationSeconds: new(int64(lifetime.Seconds())),
			BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
		}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of %s: %w", account, err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file, err := os.CreateTemp(dir, "kubeconfig-")
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.Name(), clientcmd.WriteToFile(*config, file.Name())
}

// PodOfTheController returns the pod that the controller's token is bound to: the fence lets no other write. Nobody runs it.
func (c *Cluster) PodOfTheController(ctx context.Context) (*corev1.Pod, error) {
	return c.podOf(ctx, "kymaros-controller")
}

func (c *Cluster) podOf(ctx context.Context, account string) (*corev1.Pod, error) {
	pods := c.Kube.CoreV1().Pods(SystemNamespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: account + "-test"},
		Spec: corev1.PodSpec{
			ServiceAccountName:           account,
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "main", Image: "main", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
	created, err := pods.Create(ctx, pod, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return pods.Get(ctx, pod.Name, metav1.GetOptions{})
	}
	return created, err
}
