package dependencies

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// maxNamed is how many references a report names on each side.
	maxNamed = 50
	// maxPods is how many pods one entry names.
	maxPods = 3
)

// Sandbox is what came back of one source namespace.
type Sandbox struct {
	Services map[string]Service
	Pods     []Pod
	// Workloads have the selectors of their pods, by "Kind/name".
	Workloads map[string]labels.Selector
}

// Service that came back. What is behind it are the ready pods that it selects: whoever may read Services and pods knows
// them, and EndpointSlices would be one more permission for the same.
type Service struct {
	Selector map[string]string
	// Alias: its type is ExternalName, which our DNS does not answer.
	Alias bool
}

// Pod of a sandbox.
type Pod struct {
	Name   string
	Labels map[string]string
	Ready  bool
	// Answered: names are looked up in our DNS. Other pods get no answer.
	Answered bool
	// Uses are the ConfigMaps and Secrets that it reads, "Kind/name".
	Uses sets.Set[string]
}

// Result tells which references the run covers.
type Result struct {
	// Covered of Found references lead, by the name that the application uses, to a Service of the run that has ready pods.
	// What is outside of the cluster is not among them: it can only be named.
	Covered, Found   int
	Tested, Untested []string
}

// Cover looks up each reference in the run's sandboxes, by source namespace. Under isolation strict no sandbox reaches
// another, so that nothing is covered. That a reference is covered says that its name leads to a ready pod: whether the
// two understand each other is for health checks to tell.
func Cover(refs []Reference, sandboxes map[string]*Sandbox, isolation v1alpha1.NetworkIsolation) Result {
	var r Result
	var outside []string
	for _, ref := range unique(refs) {
		if ref.Service == "" {
			host := ref.Host
			if host == "" {
				host = "a host that is not shown"
			}
			outside = append(outside, fmt.Sprintf("%s → %s (%s): outside of the cluster, out of reach for a sandbox", ref.From, host, ref.Place))
			continue
		}
		to := sandboxes[ref.Namespace]
		if ref.Unsure && !to.has(ref.Service) {
			continue
		}
		r.Found++
		entry := fmt.Sprintf("%s → %s (%s)", ref.From, ref.Host, ref.Place)
		if missing := to.missing(ref, sandboxes[ref.From], isolation); missing != "" {
			r.Untested = append(r.Untested, entry+": "+missing)
			continue
		}
		r.Covered++
		r.Tested = append(r.Tested, entry+": the name leads to the Service that came back, and to a ready pod behind it")
	}
	r.Tested = limit(r.Tested)
	r.Untested = append(limit(r.Untested), limit(outside)...)
	if late := unanswered(sandboxes); isolation == v1alpha1.IsolationGroup && len(late) > 0 {
		r.Untested = append(r.Untested, "names of other namespaces in pods that a controller made after the restore: they use the cluster's DNS, which the sandbox keeps out of reach: "+list(late))
	}
	return r
}

func (s *Sandbox) has(service string) bool {
	if s == nil {
		return false
	}
	_, ok := s.Services[service]
	return ok
}

// missing says what keeps a reference from one sandbox to a Service of s from being covered; empty if nothing does.
func (s *Sandbox) missing(ref Reference, from *Sandbox, isolation v1alpha1.NetworkIsolation) string {
	switch {
	case s == nil:
		return "not part of this test"
	case !s.has(ref.Service):
		return fmt.Sprintf("no Service %s came back in the sandbox of %s", ref.Service, ref.Namespace)
	case isolation != v1alpha1.IsolationGroup:
		return "networkIsolation strict keeps the sandboxes apart"
	case s.Services[ref.Service].Alias || strings.HasPrefix(ref.Place, "Service/"):
		return "the Service came back, but a Service of type ExternalName is not answered in a sandbox"
	case !s.ready(s.Services[ref.Service]):
		return "the Service came back, but nothing behind it is ready"
	}
	carriers := from.carriers(ref)
	if len(carriers) == 0 {
		return "the Service came back, but no pod that would use it"
	}
	var late []string
	for _, p := range carriers {
		if !p.Answered {
			late = append(late, p.Name)
		}
	}
	if len(late) > 0 {
		return "the Service came back, but pods that use it get no answer from a DNS: " + list(late)
	}
	return ""
}

// ready tells whether a pod is ready behind a Service.
func (s *Sandbox) ready(service Service) bool {
	return len(service.Selector) > 0 && slices.ContainsFunc(s.Pods, func(p Pod) bool {
		return p.Ready && labels.SelectorFromSet(service.Selector).Matches(labels.Set(p.Labels))
	})
}

// carriers are the pods that use a reference: those of the workload that it stands in, or those that read the ConfigMap or
// Secret. If it cannot be told, they are all pods.
func (s *Sandbox) carriers(ref Reference) []Pod {
	if s == nil {
		return nil
	}
	owner, _, _ := strings.Cut(ref.Place, " ")
	selector := s.Workloads[owner]
	var some []Pod
	for _, p := range s.Pods {
		if "Pod/"+p.Name == owner || p.Uses.Has(owner) || selector != nil && selector.Matches(labels.Set(p.Labels)) {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return s.Pods
	}
	return some
}

// Uses returns the ConfigMaps and Secrets that a pod reads, "Kind/name".
func Uses(spec *corev1.PodSpec) sets.Set[string] {
	uses := sets.New[string]()
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				uses.Insert("ConfigMap/" + e.ConfigMapRef.Name)
			}
			if e.SecretRef != nil {
				uses.Insert("Secret/" + e.SecretRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom == nil {
				continue
			}
			if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
				uses.Insert("ConfigMap/" + ref.Name)
			}
			if ref := e.ValueFrom.SecretKeyRef; ref != nil {
				uses.Insert("Secret/" + ref.Name)
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			uses.Insert("ConfigMap/" + v.ConfigMap.Name)
		}
		if v.Secret != nil {
			uses.Insert("Secret/" + v.Secret.SecretName)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				uses.Insert("ConfigMap/" + source.ConfigMap.Name)
			}
			if source.Secret != nil {
				uses.Insert("Secret/" + source.Secret.Name)
			}
		}
	}
	return uses
}

// unanswered are the pods that get no answer from a DNS, "source/pod".
func unanswered(sandboxes map[string]*Sandbox) []string {
	var late []string
	for source, s := range sandboxes {
		for _, p := range s.Pods {
			if !p.Answered {
				late = append(late, source+"/"+p.Name)
			}
		}
	}
	return late
}

func list(names []string) string {
	slices.Sort(names)
	if more := len(names) - maxPods; more > 0 {
		names = append(names[:maxPods:maxPods], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func limit(entries []string) []string {
	if len(entries) <= maxNamed {
		return entries
	}
	return append(entries[:maxNamed:maxNamed], fmt.Sprintf("and %d more", len(entries)-maxNamed))
}
