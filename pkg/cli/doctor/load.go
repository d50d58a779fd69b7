package doctor

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podresource "k8s.io/component-helpers/resource"
)

// pods adds up what all pods request, page by page: a large cluster has many.
func (g gatherer) pods(ctx context.Context) error {
	g.Load = Load{Nodes: map[string]Request{}, Namespaces: map[string][]Request{}}
	options := metav1.ListOptions{Limit: 500, FieldSelector: "status.phase!=Succeeded,status.phase!=Failed"}
	for {
		list, err := g.c.Kube.CoreV1().Pods("").List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			g.Load.add(&list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// add adds a pod. Those of DaemonSets and Jobs are not restored.
func (l *Load) add(pod *corev1.Pod) {
	requests := podresource.PodRequests(pod, podresource.PodResourcesOptions{})
	r := Request{requests.Cpu().MilliValue(), requests.Memory().Value()}
	if pod.Spec.NodeName != "" {
		l.Nodes[pod.Spec.NodeName] = l.Nodes[pod.Spec.NodeName].plus(r)
	}
	if owner := metav1.GetControllerOf(pod); owner == nil || owner.Kind != "DaemonSet" && owner.Kind != "Job" {
		l.Namespaces[pod.Namespace] = append(l.Namespaces[pod.Namespace], r)
	}
}

// certificate reads that of the API, if its Deployment mounts a Secret.
func (g gatherer) certificate(ctx context.Context) error {
	d, err := g.c.Kube.AppsV1().Deployments(g.System).Get(ctx, api, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.Secret == nil {
			continue
		}
		secret, err := g.c.Kube.CoreV1().Secrets(g.System).Get(ctx, v.Secret.SecretName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		g.Certificate = &Certificate{Secret: secret.Name, PEM: secret.Data[corev1.TLSCertKey], Key: secret.Data[corev1.TLSPrivateKeyKey]}
	}
	return nil
}
