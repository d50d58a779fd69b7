package restore

import (
	"context"
	"fmt"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// agentless returns the pods whose volumes no node agent took up, sorted. r has ended, and all are the PodVolumeRestores that Velero made
// for it. Where a node runs no agent Velero gives its pods up at once, and counts an error for each, and for one that still is as it was
// made nobody has read the backup, whoever runs by now. Where Velero has no DaemonSet of agents it makes none at all.
func (c *Controller) agentless(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore, all []velerov1.PodVolumeRestore) ([]string, error) {
	untouched := podsOf(all, velero.Untouched)
	nowhere := false
	if len(all) == 0 {
		nodes, err := c.agentNodes(ctx)
		if err != nil {
			return nil, err
		}
		nowhere = len(nodes) == 0
	}
	if len(untouched) == 0 && !nowhere {
		return nil, nil
	}
	return c.podsThat(ctx, rt, func(p *corev1.Pod) bool {
		// Before a node takes the pod no agent can.
		return untouched.Has(p.Namespace+"/"+p.Name) && p.Spec.NodeName != "" || nowhere && waits(p, r)
	}, func(p *corev1.Pod) string {
		if p.Spec.NodeName == "" {
			return "Pod/" + p.Name
		}
		return fmt.Sprintf("Pod/%s is on %s", p.Name, p.Spec.NodeName)
	})
}

// agentNodes returns the nodes on which a node agent of Velero runs.
func (c *Controller) agentNodes(ctx context.Context) (sets.Set[string], error) {
	pods, err := c.veleroPods(ctx)
	return velero.AgentNodes(pods), err
}

// veleroPods returns those of Velero's namespace, from the API server's cache.
func (c *Controller) veleroPods(ctx context.Context) ([]corev1.Pod, error) {
	list, err := c.kube.CoreV1().Pods(c.options.VeleroNamespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list pods of %s: %w", c.options.VeleroNamespace, err)
	}
	return list.Items, nil
}

// podsOf returns the pods, "namespace/name", of the PodVolumeRestores that are so.
func podsOf(all []velerov1.PodVolumeRestore, so func(*velerov1.PodVolumeRestore) bool) sets.Set[string] {
	pods := sets.New[string]()
	for i := range all {
		if v := &all[i]; so(v) {
			pods.Insert(v.Spec.Pod.Namespace + "/" + v.Spec.Pod.Name)
		}
	}
	return pods
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
