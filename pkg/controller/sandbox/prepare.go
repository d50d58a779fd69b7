package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/names"
)

// prepare looks, once a run and before anything is made, at what sandboxes depend on in the cluster.
func (c *Controller) prepare(ctx context.Context, rt *v1alpha1.RestoreTest) (seen, error) {
	s := seen{namespaces: planned(rt)}
	var class, rights *verdict
	err := controller.Together(func() (err error) {
		class, err = c.class(ctx)
		return err
	}, func() (err error) {
		rights, err = c.entitled(ctx, rt.Status.Run.Spec.BackupSource.Namespaces)
		return err
	}, func() error {
		// From the API server's cache: clusters have thousands.
		volumes, err := c.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return fmt.Errorf("list persistentvolumes: %w", err)
		}
		s.staticClasses = staticClasses(volumes.Items)
		return nil
	})
	if s.verdict = cmp.Or(class, rights); s.verdict != nil {
		return s, nil
	}
	return s, err
}

// class says why restored pods cannot have our PriorityClass, nil if they can.
func (c *Controller) class(ctx context.Context) (*verdict, error) {
	class, err := c.kube.SchedulingV1().PriorityClasses().Get(ctx, names.PriorityClass, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return unfit(nil), nil
	case apierrors.IsForbidden(err):
		return &verdict{v1alpha1.ReasonRejected, fmt.Sprintf("the controller may not read PriorityClass %s: apply manifests/10-rbac.yaml", names.PriorityClass)}, nil
	case err != nil:
		return nil, fmt.Errorf("get priorityclass: %w", err)
	}
	return unfit(class), nil
}

// unfit says why restored pods must not get this class, nil if they may. A class that does not exist would have Velero's
// pods refused, and one that preempts would let a test push production off its nodes.
func unfit(class *schedulingv1.PriorityClass) *verdict {
	var problem string
	switch {
	case class == nil:
		problem = "does not exist"
	case class.Value >= 0:
		problem = fmt.Sprintf("has value %d, which is not negative", class.Value)
	case class.PreemptionPolicy == nil || *class.PreemptionPolicy != corev1.PreemptNever:
		problem = "has a preemptionPolicy other than Never"
	default:
		return nil
	}
	return &verdict{v1alpha1.ReasonRejected, fmt.Sprintf(
		"PriorityClass %s %s, so restored pods could displace production or not run at all: kubectl apply -f manifests/15-priorityclass.yaml, after deleting another class of that name",
		names.PriorityClass, problem)}
}

// staticClasses returns the storage classes of which a volume is free, sorted. A claim in a sandbox would bind such a
// volume, and somebody waits for it: a volume is made for its claim unless a person made it, or kept it. Whether another
// volume would be provisioned as well is not asked, for a claim takes what is free first.
func staticClasses(volumes []corev1.PersistentVolume) []string {
	var all []string
	for i := range volumes {
		v := &volumes[i]
		switch v.Status.Phase {
		case corev1.VolumeBound, corev1.VolumeReleased, corev1.VolumeFailed:
			continue
		case corev1.VolumeAvailable, corev1.VolumePending:
		}
		class := v.Spec.StorageClassName
		if old, ok := v.Annotations[corev1.BetaStorageClassAnnotation]; ok {
			class = old
		}
		if class != "" && (v.Spec.ClaimRef == nil || v.Spec.ClaimRef.UID == "") {
			all = append(all, class)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
