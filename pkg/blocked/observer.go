// Package blocked tells which pods without a workload a sandbox refuses. One that it refuses leaves nothing there that could tell of
// it: only production's pod shows that it is missing, and why. It is pure: no client, no clock.
package blocked

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/podsecurity"
)

// Observer takes note of the pods of production that the sandboxes refuse, and of those that are in the sandboxes. It is not safe for
// concurrent use.
type Observer struct {
	filter  completeness.Filter
	level   v1alpha1.PodSecurity
	refused []refusedPod
	here    sets.Set[string] // "source/name"
	failed  map[string]error
}

type refusedPod struct{ source, name, reason string }

// NewObserver returns an Observer of sandboxes of that level, "" for the default. The filter tells which pods the backup must hold.
func NewObserver(f completeness.Filter, level v1alpha1.PodSecurity) *Observer {
	if level == "" {
		level = v1alpha1.PodSecurityBaseline
	}
	return &Observer{filter: f, level: level, here: sets.New[string](), failed: map[string]error{}}
}

// Source takes note of a pod of production.
func (o *Observer) Source(namespace string, _ schema.GroupKind, object metav1.Object) {
	pod, ok := object.(*corev1.Pod)
	if !ok || !completeness.KeptUp(pod) || o.filter.Expects(completeness.Pod, pod) != completeness.Expected {
		return
	}
	reason, err := podsecurity.Refusal(string(o.level), &pod.ObjectMeta, &pod.Spec)
	if err != nil {
		o.failed[namespace] = err
	} else if reason != "" {
		o.refused = append(o.refused, refusedPod{namespace, pod.Name, reason})
	}
}

// Sandbox takes note of a pod that is in the sandbox for source.
func (o *Observer) Sandbox(source string, _ schema.GroupKind, object metav1.Object) {
	if pod, ok := object.(*corev1.Pod); ok {
		o.here.Insert(source + "/" + pod.Name)
	}
}

// Seen is what an Observer found.
type Seen struct {
	// Pods were refused and are in no sandbox, "source: Pod/name: why", sorted.
	Pods []string
	// Failed says of which source namespaces that could not be told, and why.
	Failed map[string]error
}

// Result returns the pods that were refused and are in no sandbox.
func (o *Observer) Result() Seen {
	s := Seen{Failed: o.failed}
	for _, p := range o.refused {
		if !o.here.Has(p.source + "/" + p.name) {
			s.Pods = append(s.Pods, fmt.Sprintf("%s: Pod/%s: %s", p.source, p.name, p.reason))
		}
	}
	slices.Sort(s.Pods)
	return s
}
