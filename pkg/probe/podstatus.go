package probe

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// podStatus passes as soon as enough of the selected pods are ready. It watches them until ctx ends.
func (p *Prober) podStatus(ctx context.Context, among []v1alpha1.SandboxNamespace, check *v1alpha1.PodStatusCheck) (string, error) {
	selector := labels.SelectorFromSet(check.LabelSelector).String()
	var sandbox v1alpha1.SandboxNamespace
	if len(among) == 1 {
		// Pods that are not there yet may still come: there is only one place where they can.
		sandbox = among[0]
		if err := p.guard(ctx, sandbox); err != nil {
			return "", err
		}
	} else {
		var err error
		_, sandbox, err = locate(ctx, p, among, "a pod with "+selector, func(ctx context.Context, namespace string) (struct{}, bool, error) {
			pods, err := p.pods(ctx, namespace, check.LabelSelector)
			return struct{}{}, len(pods) > 0, err
		})
		if err != nil {
			return "", err
		}
	}

	seen := tally{want: int(check.MinReady)}
	for ctx.Err() == nil {
		enough, err := p.watchPods(ctx, sandbox.Name, selector, &seen)
		if enough {
			return fmt.Sprintf("%d of %d pods ready%s", seen.ready(), len(seen.pods), seen.several), nil
		}
		if errors.As(err, &untold{}) {
			return "", err
		}
		if err != nil && ctx.Err() == nil {
			if answered(err) {
				return "", err
			}
			_ = pause(ctx, firstDelay)
		}
	}
	return "", told{fmt.Errorf("%d of %d pods with %s are ready in %s, needed: %d%s", seen.ready(), len(seen.pods), selector, where(sandbox), check.MinReady, seen.several)}
}

// watchPods keeps the tally until there are enough, ctx ends, or the watch does.
func (p *Prober) watchPods(ctx context.Context, namespace, selector string, seen *tally) (bool, error) {
	list, err := read(ctx, func(ctx context.Context) (*corev1.PodList, error) {
		return p.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	})
	if err != nil {
		return false, fmt.Errorf("list pods in %s: %w", namespace, err)
	}
	seen.pods, seen.several = map[types.UID]bool{}, several(list.Items)
	for i := range list.Items {
		seen.pods[list.Items[i].UID] = isReady(&list.Items[i])
	}
	if seen.enough() {
		return true, nil
	}
	changes, err := p.kube.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: list.ResourceVersion})
	if err != nil {
		return false, fmt.Errorf("watch pods in %s: %w", namespace, ours(err))
	}
	defer changes.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case event, open := <-changes.ResultChan():
			pod, ok := event.Object.(*corev1.Pod)
			if !open || !ok {
				return false, nil // an error event: begin again with a list
			}
			if event.Type == watch.Deleted {
				delete(seen.pods, pod.UID)
			} else {
				seen.pods[pod.UID] = isReady(pod)
			}
			if seen.enough() {
				return true, nil
			}
		}
	}
}

// tally counts pods that are ready.
type tally struct {
	want int
	pods map[types.UID]bool
	// several is what several says of the pods.
	several string
}

func (t *tally) ready() (n int) {
	for _, ready := range t.pods {
		if ready {
			n++
		}
	}
	return n
}

func (t *tally) enough() bool { return t.ready() >= t.want }
