package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// production is what is known of a source namespace: what runs in it, what its workloads would run, for pods that are pending
// or scaled to zero are in the backup all the same, and the claims. All is empty for a namespace that does not exist.
type production struct {
	pods      []corev1.PodSpec
	templates []template
	claims    []corev1.PersistentVolumeClaim
}

// template is what a workload makes pods of.
type template struct {
	spec     corev1.PodSpec
	replicas int32
}

// all returns every pod spec.
func (p *production) all() []corev1.PodSpec {
	all := append([]corev1.PodSpec(nil), p.pods...)
	for _, t := range p.templates {
		all = append(all, t.spec)
	}
	return all
}

// look asks for what is known of a source namespace.
func (c *Controller) look(ctx context.Context, source string) (production, error) {
	// From the API server's cache: the run has no use for the very last pod, and production's etcd no use for the request.
	cached := metav1.ListOptions{ResourceVersion: "0"}
	var pods *corev1.PodList
	var deployments *appsv1.DeploymentList
	var statefulSets *appsv1.StatefulSetList
	var claims *corev1.PersistentVolumeClaimList
	// At once: a run waits for all of them.
	err := atOnce(
		func() (err error) {
			pods, err = c.kube.CoreV1().Pods(source).List(ctx, cached)
			return about("pods", source, err)
		},
		func() (err error) {
			deployments, err = c.kube.AppsV1().Deployments(source).List(ctx, cached)
			return about("deployments", source, err)
		},
		func() (err error) {
			statefulSets, err = c.kube.AppsV1().StatefulSets(source).List(ctx, cached)
			return about("statefulsets", source, err)
		},
		func() (err error) {
			claims, err = c.kube.CoreV1().PersistentVolumeClaims(source).List(ctx, cached)
			return about("claims", source, err)
		},
	)
	if err != nil {
		return production{}, err
	}
	p := production{claims: claims.Items}
	for i := range pods.Items {
		if phase := pods.Items[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			p.pods = append(p.pods, pods.Items[i].Spec)
		}
	}
	for i := range deployments.Items {
		spec := &deployments.Items[i].Spec
		p.templates = append(p.templates, template{spec.Template.Spec, ptr.Deref(spec.Replicas, 1)})
	}
	for i := range statefulSets.Items {
		spec := &statefulSets.Items[i].Spec
		p.templates = append(p.templates, template{spec.Template.Spec, ptr.Deref(spec.Replicas, 1)})
	}
	return p, nil
}

// atOnce does all, and returns what went wrong, in their order.
func atOnce(all ...func() error) error {
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, do := range all {
		wg.Go(func() { errs[i] = do() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// about says what could not be listed.
func about(what, source string, err error) error {
	if err == nil {
		return nil
	}
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("list %s of source namespace %s: bind ClusterRole kymaros-source-sizes to kymaros-controller there, and kymaros-source-reader to kymaros-prober: %w", what, source, err)
	}
	return fmt.Errorf("list %s of source namespace %s: %w", what, source, err)
}
