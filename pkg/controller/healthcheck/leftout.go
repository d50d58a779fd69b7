package healthcheck

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/absent"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

// lookForLeftOut finds what kubelets say that pods lack, where the test may have left it out: only events tell of what is to be mounted,
// and of the Secrets for an image. It asks for nothing unless there may be such pods and their time is up.
func (c *Controller) lookForLeftOut(ctx context.Context, rt *v1alpha1.RestoreTest, in *contents, now time.Time) error {
	i := slices.IndexFunc(rt.Status.Sandbox.Namespaces, func(ns v1alpha1.SandboxNamespace) bool { return ns.Source == in.source })
	leavesOut := func(kind string) bool {
		return scope.MayLeaveOut(&rt.Status.Run.Spec, schema.GroupKind{Kind: kind}) != ""
	}
	if i < 0 || !leavesOut("Secret") && !leavesOut("ConfigMap") || !timeIsUp(rt, now) ||
		!slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool { return mounting(p) || pulling(p) }) {
		return nil
	}
	sandbox := rt.Status.Sandbox.Namespaces[i].Name
	events, err := c.watches.kube.CoreV1().Events(sandbox).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,type=Warning"})
	if err != nil {
		return fmt.Errorf("list events in namespace %s: %w", sandbox, err)
	}
	in.said = slices.DeleteFunc(events.Items, func(e corev1.Event) bool {
		return e.Reason != absent.FailedMount && e.Reason != absent.FailedPullSecrets
	})
	return nil
}

// leftOut returns what a pod needs to start and the test leaves out; empty if that is nothing, or something else keeps it from starting
// as well.
func (in *contents) leftOut(pod *corev1.Pod) string {
	if in.test == nil {
		return ""
	}
	var all []string
	for _, s := range statuses(pod) {
		if s.State.Waiting == nil {
			continue
		}
		var said []string
		switch s.State.Waiting.Reason {
		case "CreateContainerConfigError":
			said = absent.Things(s.State.Waiting.Message)
		case "ErrImagePull", "ImagePullBackOff":
			said = in.saidOf(pod, absent.FailedPullSecrets)
		case "InvalidImageName", "ErrImageNeverPull":
		default:
			continue
		}
		if len(said) == 0 {
			return ""
		}
		all = append(all, said...)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			all = append(all, c.Message)
		}
	}
	if mounting(pod) {
		all = append(all, in.saidOf(pod, absent.FailedMount)...)
	}
	return absent.LeftOut(in.test, all...)
}

// leaves returns why pods could not be made that name what the test leaves out; empty if it was not that.
func (in *contents) leaves(message string) string {
	if in.test == nil {
		return ""
	}
	return absent.LeftOut(in.test, message)
}

func (in *contents) saidOf(pod *corev1.Pod, reason string) []string {
	var all []string
	for i := range in.said {
		if e := &in.said[i]; e.Reason == reason && e.InvolvedObject.UID == pod.UID {
			all = append(all, e.Message)
		}
	}
	return all
}

// mounting tells whether no container of a pod has come as far as its image: till then its volumes may be wanting.
func mounting(pod *corev1.Pod) bool {
	all := statuses(pod)
	return len(all) > 0 && !slices.ContainsFunc(all, func(s corev1.ContainerStatus) bool {
		w := s.State.Waiting
		return w == nil || w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" || s.LastTerminationState.Terminated != nil
	})
}

func pulling(pod *corev1.Pod) bool {
	return slices.ContainsFunc(statuses(pod), func(s corev1.ContainerStatus) bool {
		w := s.State.Waiting
		return w != nil && (w.Reason == "ErrImagePull" || w.Reason == "ImagePullBackOff")
	})
}

func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}
