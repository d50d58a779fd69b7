package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/cli/cleanup"
	"github.com/kymaros/kymaros/pkg/cli/versions"
	"github.com/kymaros/kymaros/pkg/names"
)

type storageClass = storagev1.StorageClass

// leaseAge is how old a lease may be whose holder lives: it renews every few seconds.
const leaseAge = time.Minute

// prober is the Deployment, and the Lease, of who looks into sandboxes; leaders are both that have one.
const prober = "kymaros-prober"

var leaders = []string{"kymaros-controller", prober}

// modifiers are the ConfigMaps that Velero reads for Restores of tests.
var modifiers = []string{"kymaros-sandbox-modifiers", "kymaros-group-modifiers", "kymaros-sandbox-no-class", "kymaros-group-no-class"}

// canaries are the DaemonSets that show whether NetworkPolicies are enforced.
var canaries = []string{"canary-fenced", "canary-control"}

var ofKymaros = []check{
	{"kymaros", "definitions", []Look{LookCRDs}, func(s *Seen) (all []Result) {
		for _, name := range slices.Sorted(maps.Keys(s.CRDs)) {
			switch what := s.CRDs[name]; what {
			case "":
			case missing:
				all = append(all, fail("definition "+name+" is missing", "kubectl apply -f manifests/crds")...)
			default:
				all = append(all, warn("definition "+name+" "+what, "kubectl apply -f manifests/crds, of the version that runs, or use the kubectl kymaros of that version")...)
			}
		}
		if len(all) == 0 {
			return ok("the definitions are those of this version")
		}
		return all
	}},
	{"kymaros", "controller", []Look{LookWorkloads}, func(s *Seen) []Result {
		return workload(s.Deployments[s.System+"/kymaros-controller"], s.System, "kymaros-controller", "manifests/30-controller.yaml", "no test runs")
	}},
	{"kymaros", "prober", []Look{LookWorkloads}, func(s *Seen) []Result {
		return workload(s.Deployments[s.System+"/"+prober], s.System, prober, "manifests/35-prober.yaml", "runs wait for it, and none ends")
	}},
	{"kymaros", "halves", []Look{LookWorkloads}, func(s *Seen) []Result {
		c, p := s.Deployments[s.System+"/kymaros-controller"], s.Deployments[s.System+"/"+prober]
		if c == nil || p == nil || len(c.Spec.Template.Spec.Containers) == 0 || len(p.Spec.Template.Spec.Containers) == 0 {
			return nil
		}
		if of, is := c.Spec.Template.Spec.Containers[0].Image, p.Spec.Template.Spec.Containers[0].Image; of != is {
			return warn(fmt.Sprintf("kymaros-controller is %s, and %s %s", of, prober, is), "give both the same image: they are one program")
		}
		const flag = "--isolation-proof="
		if of, is := valueOf(c, flag), valueOf(p, flag); of != is {
			return fail(fmt.Sprintf("kymaros-controller has %s%s, and %s %s%s: sandboxes are made and never attested, or the other way round", flag, of, prober, flag, is), "give both the same "+flag)
		}
		return ok("kymaros-controller and " + prober + " are of one image")
	}},
	{"kymaros", "version", []Look{LookWorkloads}, func(s *Seen) []Result {
		d := s.Deployments[s.System+"/kymaros-controller"]
		if d == nil || len(d.Spec.Template.Spec.Containers) == 0 {
			return nil
		}
		tag := versions.Tag(d.Spec.Template.Spec.Containers[0].Image)
		if strings.HasPrefix(tag, "v") && strings.HasPrefix(s.Client, "v") && minor(tag) != minor(s.Client) {
			return warn(fmt.Sprintf("the controller is %s, and this command %s", tag, s.Client), "use the kubectl kymaros of the controller's version")
		}
		return ok("the controller is " + tag)
	}},
	{"kymaros", "leader", []Look{LookLease}, func(s *Seen) []Result {
		var all []Result
		for _, name := range leaders {
			switch l := s.Leases[name]; {
			case l == nil:
				all = append(all, fail("no "+name+" ever led", "kubectl -n "+s.System+" logs deployment/"+name)...)
			case l.Spec.RenewTime == nil || s.Now.Sub(l.Spec.RenewTime.Time) > leaseAge:
				all = append(all, fail("no "+name+" leads: the lease was last renewed "+since(s, l.Spec.RenewTime), "kubectl -n "+s.System+" logs deployment/"+name)...)
			}
		}
		if len(all) == 0 {
			return ok("a controller and a prober lead")
		}
		return all
	}},
	{"kymaros", "dns", []Look{LookWorkloads}, func(s *Seen) []Result {
		r := workload(s.Deployments[s.System+"/kymaros-dns"], s.System, "kymaros-dns", "manifests/40-dns.yaml", "tests with networkIsolation group cannot run")
		if r[0].State == Failed && !slices.ContainsFunc(s.Tests, func(rt *v1alpha1.RestoreTest) bool {
			return rt.Spec.Sandbox.NetworkIsolation == v1alpha1.IsolationGroup
		}) {
			r[0].State = Warning
		}
		return r
	}},
	{"kymaros", "priority", []Look{LookPriority}, func(s *Seen) []Result {
		switch p := s.Priority; {
		case p == nil:
			return fail("PriorityClass "+names.PriorityClass+" is missing", "kubectl apply -f manifests/15-priorityclass.yaml")
		case p.PreemptionPolicy == nil || *p.PreemptionPolicy != "Never" || p.Value > 0:
			return fail("PriorityClass "+names.PriorityClass+" lets restored pods drive out others", "kubectl delete priorityclass "+names.PriorityClass+" && kubectl apply -f manifests/15-priorityclass.yaml")
		}
		return ok("restored pods come last")
	}},
	{"kymaros", "modifiers", []Look{LookModifiers}, func(s *Seen) (all []Result) {
		for _, name := range modifiers {
			if !s.Modifiers[name] {
				all = append(all, fail(fmt.Sprintf("ConfigMap %s is missing in namespace %s", name, s.Velero), "kubectl apply -f manifests/20-modifiers.yaml -f manifests/25-group-modifiers.yaml -f manifests/27-no-class-modifiers.yaml")...)
			}
		}
		if len(all) == 0 {
			return ok("the resource modifiers are there")
		}
		return all
	}},
	{"isolation", "fence", []Look{LookFence}, func(s *Seen) []Result {
		if len(s.Fence) == 0 {
			return ok("the fence is as shipped")
		}
		text := strings.Join(s.Fence[:min(3, len(s.Fence))], "; ")
		if more := len(s.Fence) - 3; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		return fail(text, "kubectl apply -f manifests/fence, of the version that runs, and find out who changes it")
	}},
	{"isolation", "canaries", []Look{LookWorkloads}, func(s *Seen) (all []Result) {
		for _, name := range canaries {
			switch d := s.DaemonSets[canary.Namespace+"/"+name]; {
			case d == nil:
				all = append(all, fail("DaemonSet "+name+" is missing: nothing shows that NetworkPolicies are enforced", "kubectl apply -f manifests/45-canary.yaml")...)
			case d.Status.NumberReady < d.Status.DesiredNumberScheduled:
				all = append(all, fail(fmt.Sprintf("%d of %d pods of DaemonSet %s are not ready", d.Status.DesiredNumberScheduled-d.Status.NumberReady, d.Status.DesiredNumberScheduled, name),
					"kubectl -n "+canary.Namespace+" get pods -o wide, and their logs")...)
			}
		}
		if len(all) == 0 {
			return ok("canaries run on every node")
		}
		return all
	}},
	{"isolation", "proof", []Look{LookCanaries}, func(s *Seen) []Result {
		switch s.Isolation.State {
		case v1alpha1.IsolationProven:
			if m := s.Isolation.Moment; m != nil && m.State == v1alpha1.MomentSeen {
				return warn("NetworkPolicies are enforced, and too late for new pods: "+m.Message, "kubectl apply -f manifests/newborn/pods.yaml, which needs Kubernetes 1.36")
			}
			return ok("NetworkPolicies are enforced on every node with canaries")
		case v1alpha1.IsolationNotEnforced:
			return fail("NetworkPolicies are not enforced: "+s.Isolation.Message, "use a network plugin that enforces them; nothing is restored until it does")
		case v1alpha1.IsolationUnproven, v1alpha1.IsolationOff:
		}
		return fail("nothing shows that NetworkPolicies are enforced: "+s.Isolation.Message, "kubectl -n "+canary.Namespace+" get pods -o wide")
	}},
	{"kymaros", "leftovers", []Look{LookSpaces, LookTests, LookVelero}, func(s *Seen) (all []Result) {
		found := cleanup.Find(s.Namespaces, s.Restores, s.Tests, s.Now)
		if n := len(found.LeftOver); n > 0 {
			all = append(all, warn(fmt.Sprintf("%d sandboxes or Restores are left over, such as %s %s: %s", n, found.LeftOver[0].Kind, found.LeftOver[0].Name, found.LeftOver[0].Why), "kubectl kymaros cleanup")...)
		}
		if n := len(found.Untouchable); n > 0 {
			all = append(all, warn(fmt.Sprintf("%d objects were left behind for good, such as %s %s", n, found.Untouchable[0].Kind, found.Untouchable[0].Name), "kubectl kymaros cleanup says why, and what to do")...)
		}
		if len(all) == 0 {
			return ok("no run left anything behind")
		}
		return all
	}},
}

// valueOf returns that of a flag of the Deployment's first container, "" if it has none.
func valueOf(d *appsv1.Deployment, flag string) string {
	for _, arg := range d.Spec.Template.Spec.Containers[0].Args {
		if value, ok := strings.CutPrefix(arg, flag); ok {
			return value
		}
	}
	return ""
}

const missing = "is missing"

// minor returns v1.2 of v1.2.3.
func minor(v string) string {
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// workload tells whether a Deployment is there and ready.
func workload(d *appsv1.Deployment, namespace, name, file, consequence string) []Result {
	switch {
	case d == nil:
		return fail(fmt.Sprintf("deployment %s/%s is missing: %s", namespace, name, consequence), "kubectl apply -f "+file)
	case d.Status.ReadyReplicas == 0:
		return fail(fmt.Sprintf("deployment %s/%s is not ready: %s", namespace, name, consequence),
			fmt.Sprintf("kubectl -n %s describe deployment %s; kubectl -n %s logs deployment/%s", namespace, name, namespace, name))
	}
	return ok(fmt.Sprintf("deployment %s/%s is ready", namespace, name))
}
