package report

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/podsecurity"
	"github.com/kymaros/kymaros/pkg/scope"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// maxBlocked is how many workloads and pods a report names as blocked.
const maxBlocked = 128

// bare is what is known of pods without a workload. One that a sandbox refuses leaves nothing there that could tell of it:
// only production's pod shows that it is missing, and why.
type bare struct {
	refused []refusedPod
	here    sets.Set[string] // "source/name" of pods that are in a sandbox
}

type refusedPod struct{ source, name, reason string }

func (b *bare) came(source, name string) {
	if b.here == nil {
		b.here = sets.New[string]()
	}
	b.here.Insert(source + "/" + name)
}

// blocked returns the pods that were refused and are in no sandbox, as status.health.blocked has them.
func (b *bare) blocked() []string {
	var all []string
	for _, p := range b.refused {
		if !b.here.Has(p.source + "/" + p.name) {
			all = append(all, fmt.Sprintf("%s: Pod/%s: %s", p.source, p.name, p.reason))
		}
	}
	slices.Sort(all)
	return all
}

// productionPods looks up which pods of a source namespace would act in its sandbox, which Pod Security keeps out, and what
// they say of volumes. From the API server's cache: the report has no use for the very last pod, and production's etcd no use
// for the request.
func (l *look) productionPods(ns *completeness.Namespace, level v1alpha1.PodSecurity) {
	namespace := ns.Source
	client := l.c.kube.CoreV1().Pods(namespace)
	list := func(ctx context.Context, o metav1.ListOptions) (*corev1.PodList, error) {
		if o.Continue == "" {
			o.ResourceVersion = "0"
		}
		return client.List(ctx, o)
	}
	l.add("pods in namespace "+namespace, func(ctx context.Context) error {
		var failed error
		err := each(ctx, list, func(pod *corev1.Pod) {
			expected := l.filter.Expects(completeness.Pod, pod)
			l.note(func() {
				l.seen.ledger.Production(namespace, podKind, pod)
				l.seen.origin.Mounts = append(l.seen.origin.Mounts, volumes.MountsOf(pod)...)
				if slices.ContainsFunc(scope.Unowned, labels.Set(pod.Labels).Has) {
					l.seen.unowned.Insert(namespace + "/" + pod.Name)
				}
				if keptUp(pod) {
					ns.Note(completeness.Pod, pod.Name, expected)
				}
			})
			if expected != completeness.Expected || !keptUp(pod) {
				return
			}
			reason, err := podsecurity.Refusal(string(level), &pod.ObjectMeta, &pod.Spec)
			if err != nil {
				failed = err
			} else if reason != "" {
				l.note(func() { l.bare.refused = append(l.bare.refused, refusedPod{namespace, pod.Name, reason}) })
			}
		})
		if err != nil {
			return err
		}
		l.note(func() { l.seen.origin.Read.Insert(namespace) })
		return failed
	})
}

// keptUp tells whether a restore brings a pod back and nothing else makes it: Velero leaves out what has ended.
func keptUp(pod *corev1.Pod) bool {
	return metav1.GetControllerOf(pod) == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func level(rt *v1alpha1.RestoreTest) v1alpha1.PodSecurity {
	if l := rt.Status.Run.Spec.Sandbox.PodSecurity; l != "" {
		return l
	}
	return v1alpha1.PodSecurityBaseline
}

// blocked returns all that the guards refused: what the controllers in the sandbox could not make, and bare pods.
func blocked(health v1alpha1.HealthStatus, s seen) []string {
	all := slices.Concat(health.Blocked, s.blocked)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxBlocked)]
}
