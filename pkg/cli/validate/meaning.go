package validate

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cron"
)

// problem is something that the definition accepts and that makes no sense.
type problem struct {
	field, message string
	severity       Severity
}

// defaults of the controller.
const (
	defaultTimeout  = time.Hour
	defaultPodReady = 5 * time.Minute
	defaultStable   = 30 * time.Second
)

// testProblems returns what only code knows of a RestoreTest. policies are those of the files, by "namespace/name"; known tells that
// there are some.
func testProblems(rt *v1alpha1.RestoreTest, policies map[string]*v1alpha1.HealthCheckPolicy, now time.Time) (all []problem) {
	add := func(severity Severity, field, format string, args ...any) {
		all = append(all, problem{field, fmt.Sprintf(format, args...), severity})
	}
	spec := &rt.Spec
	schedule, err := cron.Parse(spec.Schedule.Cron, spec.Schedule.Timezone)
	switch {
	case err != nil:
		add(Error, fieldOf(err), "%s", textOf(err))
	case schedule.Next(now).IsZero():
		add(Error, "spec.schedule.cron", "%q never comes; write for example 0 3 * * *", spec.Schedule.Cron)
	}
	seen := map[string]bool{}
	for i, ns := range spec.BackupSource.Namespaces {
		field := fmt.Sprintf("spec.backupSource.namespaces[%d].sandboxName", i)
		if ns.SandboxName != "" && seen[ns.SandboxName] {
			add(Error, field, "%q is used twice; each source needs a sandbox of its own", ns.SandboxName)
		}
		seen[ns.SandboxName] = true
		for _, other := range spec.BackupSource.Namespaces {
			if ns.SandboxName == other.Name {
				add(Error, field, "%q is a source namespace; a test never restores into its source", ns.SandboxName)
			}
		}
	}
	timeout := defaultTimeout
	if spec.Timeout != nil {
		timeout = spec.Timeout.Or(timeout)
		if ttl := spec.Sandbox.TTL.Or(0); ttl > 0 && ttl < timeout {
			add(Warning, "spec.sandbox.ttl", "%s is less than spec.timeout, %s, which therefore never counts; raise it, or lower timeout", ttl, timeout)
		}
	}
	bound, boundField := timeout, "spec.timeout"
	if ttl := spec.Sandbox.TTL.Or(timeout); ttl < bound {
		bound, boundField = ttl, "spec.sandbox.ttl"
	}
	ready, stable := spec.HealthChecks.PodReadyTimeout.Or(defaultPodReady), spec.HealthChecks.StableFor.Or(defaultStable)
	if ready >= bound {
		add(Error, "spec.healthChecks.podReadyTimeout", "%s leaves no time for checks within %s, %s; lower it, or raise that", ready, boundField, bound)
	} else if ready+stable >= bound {
		add(Warning, "spec.healthChecks.stableFor", "with podReadyTimeout it takes up all of %s, %s; lower one of them", boundField, bound)
	}
	if spec.SLA != nil {
		if rto := spec.SLA.MaxRTO.Or(0); rto > bound {
			add(Warning, "spec.sla.maxRTO", "%s is more than %s, %s: a run ends before it is exceeded", rto, boundField, bound)
		} else if rto == 0 {
			add(Warning, "spec.sla.maxRTO", "nothing recovers within %s: every run will exceed it", spec.SLA.MaxRTO)
		}
	}
	switch policy := policies[rt.Namespace+"/"+spec.HealthChecks.PolicyRef]; {
	case spec.HealthChecks.PolicyRef == "":
		add(Warning, "spec.healthChecks", "without a policyRef nothing is checked, and no run is ever more than partial")
	case policy == nil && len(policies) > 0:
		add(Warning, "spec.healthChecks.policyRef", "no HealthCheckPolicy %q of namespace %q is among these files; is it in the cluster?", spec.HealthChecks.PolicyRef, rt.Namespace)
	case policy != nil:
		for _, c := range policy.Spec.Checks {
			if c.Namespace != "" && !restored(rt, c.Namespace) {
				add(Error, "spec.healthChecks.policyRef", "check %q is of namespace %q, which spec.backupSource.namespaces does not restore", c.Name, c.Namespace)
			}
			if own := timeoutOf(c); own >= bound {
				add(Warning, "spec.healthChecks.policyRef", "check %q may take %s, and the whole run %s (%s)", c.Name, own, bound, boundField)
			}
		}
	}
	return all
}

func restored(rt *v1alpha1.RestoreTest, namespace string) bool {
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		if ns.Name == namespace {
			return true
		}
	}
	return false
}

// timeoutOf returns how long all attempts of a check may take; 0 if that is not given.
func timeoutOf(c v1alpha1.HealthCheck) time.Duration {
	times := func(d v1alpha1.Duration, n int32) time.Duration { return d.Or(0) * time.Duration(max(n, 1)) }
	switch {
	case c.PodStatus != nil:
		return c.PodStatus.Timeout.Or(0)
	case c.HTTPGet != nil:
		return times(c.HTTPGet.Timeout, c.HTTPGet.Retries)
	case c.TCPSocket != nil:
		return times(c.TCPSocket.Timeout, c.TCPSocket.Retries)
	case c.Exec != nil:
		return times(c.Exec.Timeout, c.Exec.Retries)
	}
	return 0
}

// Application is what files say of an application, so that checks can be compared with it.
type Application struct {
	// Pods are labels of pods and of templates, Replicas how many pods each makes.
	Pods     []labels.Set
	Replicas []int32
	// Ports of Services, by name.
	Services map[string][]int32
}

// note takes notice of an object.
func (a *Application) note(d document) {
	from := func(into any) bool {
		return runtime.DefaultUnstructuredConverter.FromUnstructured(d.object.Object, into) == nil
	}
	template := func(set map[string]string, replicas *int32) {
		n := int32(1)
		if replicas != nil {
			n = *replicas
		}
		a.Pods, a.Replicas = append(a.Pods, set), append(a.Replicas, n)
	}
	switch d.object.GetKind() {
	case "Deployment":
		if o := (&appsv1.Deployment{}); from(o) {
			template(o.Spec.Template.Labels, o.Spec.Replicas)
		}
	case "StatefulSet":
		if o := (&appsv1.StatefulSet{}); from(o) {
			template(o.Spec.Template.Labels, o.Spec.Replicas)
		}
	case "ReplicaSet":
		if o := (&appsv1.ReplicaSet{}); from(o) {
			template(o.Spec.Template.Labels, o.Spec.Replicas)
		}
	case "Pod":
		template(d.object.GetLabels(), nil)
	case "Service":
		if o := (&corev1.Service{}); from(o) {
			var ports []int32
			for _, p := range o.Spec.Ports {
				ports = append(ports, p.Port)
			}
			if a.Services == nil {
				a.Services = map[string][]int32{}
			}
			a.Services[o.Name] = append(a.Services[o.Name], ports...)
		}
	}
}

// policyProblems returns what no workload of the files matches; nothing if there are none.
func (a *Application) policyProblems(p *v1alpha1.HealthCheckPolicy) (all []problem) {
	add := func(field, format string, args ...any) {
		all = append(all, problem{field, fmt.Sprintf(format, args...), Warning})
	}
	if len(p.Spec.Checks) == 0 {
		add("spec.checks", "is empty: nothing is checked, and no run is ever more than partial")
	}
	for i, c := range p.Spec.Checks {
		field := fmt.Sprintf("spec.checks[%d].%s", i, c.Type)
		switch {
		case c.PodStatus != nil && len(a.Pods) > 0:
			if n := a.matching(c.PodStatus.LabelSelector); n == 0 {
				add(field+".labelSelector", "no workload of these files makes a pod with %s", labels.Set(c.PodStatus.LabelSelector))
			} else if n < c.PodStatus.MinReady {
				add(field+".minReady", "the workloads of these files make %d pods with %s, and %d are to be ready", n, labels.Set(c.PodStatus.LabelSelector), c.PodStatus.MinReady)
			}
		case c.Exec != nil && len(a.Pods) > 0 && a.matching(c.Exec.PodSelector) == 0:
			add(field+".podSelector", "no workload of these files makes a pod with %s", labels.Set(c.Exec.PodSelector))
		case c.HTTPGet != nil && len(a.Services) > 0:
			a.service(add, field, c.HTTPGet.Service, c.HTTPGet.Port)
		case c.TCPSocket != nil && len(a.Services) > 0:
			a.service(add, field, c.TCPSocket.Service, c.TCPSocket.Port)
		}
	}
	return all
}

func (a *Application) service(add func(string, string, ...any), field, name string, port int32) {
	ports, ok := a.Services[name]
	if !ok {
		add(field+".service", "no Service %q is in these files", name)
		return
	}
	if slices.Contains(ports, port) {
		return
	}
	add(field+".port", "Service %q has no port %d, but %v", name, port, ports)
}

// matching counts the pods that carry all labels.
func (a *Application) matching(want map[string]string) (n int32) {
	selector := labels.SelectorFromSet(want)
	for i, set := range a.Pods {
		if selector.Matches(set) {
			n += a.Replicas[i]
		}
	}
	return n
}
