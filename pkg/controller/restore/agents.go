package restore

import (
	"context"
	"fmt"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// agentless returns the pods whose volumes Velero did not fill because their node runs no node agent, sorted. r has ended: Velero gives
// such pods up at once, and counts an error for each.
func (c *Controller) agentless(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore) ([]string, error) {
	unfilled, err := c.filledIn(ctx, r, velero.Untouched)
	if err != nil || len(unfilled) == 0 {
		return nil, err
	}
	agents, err := c.kube.CoreV1().Pods(c.options.VeleroNamespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list pods of %s: %w", c.options.VeleroNamespace, err)
	}
	nodes := velero.AgentNodes(agents.Items)
	return c.podsThat(ctx, rt, func(p *corev1.Pod) bool { return unfilled.Has(p.Namespace+"/"+p.Name) && alone(p, nodes) },
		func(p *corev1.Pod) string { return fmt.Sprintf("Pod/%s is on %s", p.Name, p.Spec.NodeName) })
}

// filledIn returns the pods, "namespace/name", for which r made PodVolumeRestores that are so.
func (c *Controller) filledIn(ctx context.Context, r *velerov1.Restore, so func(*velerov1.PodVolumeRestore) bool) (sets.Set[string], error) {
	of := metav1.ListOptions{LabelSelector: labels.SelectorFromSet(labels.Set{velerov1.RestoreUIDLabel: string(r.UID)}).String()}
	list, err := c.client.VeleroV1().PodVolumeRestores(r.Namespace).List(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("list PodVolumeRestores: %w", err)
	}
	all := sets.New[string]()
	for i := range list.Items {
		if v := &list.Items[i]; so(v) {
			all.Insert(v.Spec.Pod.Namespace + "/" + v.Spec.Pod.Name)
		}
	}
	return all, nil
}

// podsThat returns what is to be said of the pods of the sandboxes that are so, sorted, each after its source namespace.
func (c *Controller) podsThat(ctx context.Context, rt *v1alpha1.RestoreTest, so func(*corev1.Pod) bool, say func(*corev1.Pod) string) ([]string, error) {
	var all []string
	for _, ns := range rt.Status.Sandbox.Namespaces {
		if ns.Deleted {
			continue // nor may its pods be read any more
		}
		pods, err := c.kube.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list pods of %s: %w", ns.Name, err)
		}
		for i := range pods.Items {
			if p := &pods.Items[i]; so(p) {
				all = append(all, ns.Source+": "+say(p))
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// alone tells whether a pod is on a node that is none of those.
func alone(pod *corev1.Pod, nodes sets.Set[string]) bool {
	return pod.Spec.NodeName != "" && !nodes.Has(pod.Spec.NodeName)
}
