package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// endpoint is where a connection to a Service ends: a port of a pod.
type endpoint struct {
	namespace, pod string
	port           int32
	// several says that pods of several workloads are behind the Service; empty if they are not.
	several string
}

// endpoint finds a ready pod behind the Service, and the port that stands for the Service's.
func (p *Prober) endpoint(ctx context.Context, among []v1alpha1.SandboxNamespace, name string, port int32) (endpoint, error) {
	service, sandbox, err := locate(ctx, p, among, "Service "+name, func(ctx context.Context, namespace string) (*corev1.Service, bool, error) {
		service, err := read(ctx, func(ctx context.Context) (*corev1.Service, error) {
			return p.kube.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
		})
		if apierrors.IsNotFound(err) {
			return nil, false, nil
		}
		return service, err == nil, err
	})
	if err != nil {
		return endpoint{}, err
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName || len(service.Spec.Selector) == 0 {
		return endpoint{}, finalf("Service %s in %s selects no pods, so there is nothing to connect to: check it with exec instead", name, where(sandbox))
	}
	pods, err := p.pods(ctx, sandbox.Name, service.Spec.Selector)
	if err != nil {
		return endpoint{}, err
	}
	pod, number, err := resolve(service, port, pods)
	if err != nil {
		return endpoint{}, fmt.Errorf("%w, in %s", err, where(sandbox))
	}
	return endpoint{sandbox.Name, pod, number, several(pods)}, nil
}

// pods returns the pods with these labels, in the order of their names.
func (p *Prober) pods(ctx context.Context, namespace string, selector map[string]string) ([]corev1.Pod, error) {
	list, err := read(ctx, func(ctx context.Context) (*corev1.PodList, error) {
		return p.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(selector).String()})
	})
	if err != nil {
		return nil, fmt.Errorf("list pods in %s: %w", namespace, err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// resolve returns a ready one of the pods behind service, and its port that stands for the service's.
func resolve(service *corev1.Service, port int32, pods []corev1.Pod) (pod string, number int32, err error) {
	target, err := targetPort(service, port)
	if err != nil {
		return "", 0, err
	}
	ready := false
	for i := range pods {
		if !isReady(&pods[i]) {
			continue
		}
		ready = true
		if number, ok := containerPort(&pods[i], target); ok {
			return pods[i].Name, number, nil
		}
	}
	if ready {
		return "", 0, finalf("no ready pod behind Service %s has a container port named %q, which is the targetPort of port %d", service.Name, target.StrVal, port)
	}
	return "", 0, fmt.Errorf("no pod behind Service %s is ready (%d exist)", service.Name, len(pods))
}

func targetPort(service *corev1.Service, port int32) (intstr.IntOrString, error) {
	var known []string
	for _, p := range service.Spec.Ports {
		if p.Protocol != corev1.ProtocolTCP && p.Protocol != "" {
			continue
		}
		if p.Port == port {
			if p.TargetPort == (intstr.IntOrString{}) {
				return intstr.FromInt32(port), nil
			}
			return p.TargetPort, nil
		}
		known = append(known, strconv.Itoa(int(p.Port)))
	}
	if service.Spec.ClusterIP == corev1.ClusterIPNone {
		// Clients of a headless Service get the addresses of its pods, and may use any port of them.
		return intstr.FromInt32(port), nil
	}
	if len(known) == 0 {
		known = []string{"none"}
	}
	return intstr.IntOrString{}, finalf("Service %s has no TCP port %d (it has %s)", service.Name, port, strings.Join(known, ", "))
}

func containerPort(pod *corev1.Pod, target intstr.IntOrString) (int32, bool) {
	if target.Type == intstr.Int {
		return target.IntVal, true
	}
	for _, c := range running(pod) {
		for _, p := range c.Ports {
			if p.Name == target.StrVal && (p.Protocol == corev1.ProtocolTCP || p.Protocol == "") {
				return p.ContainerPort, true
			}
		}
	}
	return 0, false
}

// running returns the containers that run as long as the pod does: its containers and its sidecars.
func running(pod *corev1.Pod) []corev1.Container {
	all := slices.Clone(pod.Spec.Containers)
	for _, c := range pod.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return all
}

// isReady tells whether a pod is ready, or would be but for readiness gates: what opens those is not in a sandbox, and the
// containers answer all the same.
func isReady(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	met := func(kind corev1.PodConditionType) bool {
		return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == kind && c.Status == corev1.ConditionTrue })
	}
	shut := func(g corev1.PodReadinessGate) bool { return !met(g.ConditionType) }
	return met(corev1.PodReady) || met(corev1.ContainersReady) && slices.ContainsFunc(pod.Spec.ReadinessGates, shut)
}
