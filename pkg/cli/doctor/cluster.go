package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/volumes"
)

const (
	// skew is how far clocks may differ: ages and deadlines are judged in minutes.
	skew = 30 * time.Second
	// stuck is how long a namespace may take to go.
	stuck = 10 * time.Minute
)

var oldestServer = version.MustParseSemantic("1.30.0-0")

var ofCluster = []check{
	{"cluster", "version", []Look{LookServer}, func(s *Seen) []Result {
		v, err := version.ParseSemantic(s.Server)
		switch {
		case err != nil:
			return warn(fmt.Sprintf("the API server calls its version %q", s.Server), "see that it is 1.30 or newer")
		case v.LessThan(oldestServer):
			return fail("Kubernetes "+s.Server+" is older than 1.30", "update Kubernetes: the fence needs ValidatingAdmissionPolicies")
		}
		return ok("Kubernetes " + s.Server)
	}},
	{"cluster", "admission", []Look{LookServer}, func(s *Seen) []Result {
		if !s.Admission {
			return fail("ValidatingAdmissionPolicies are not served", "serve admissionregistration.k8s.io/v1, or run the controller with --require-fence=false, unprotected")
		}
		return ok("ValidatingAdmissionPolicies are served")
	}},
	{"cluster", "clock", []Look{LookServer}, func(s *Seen) []Result {
		if off := s.ServerTime.Sub(s.LocalTime).Abs(); !s.ServerTime.IsZero() && off > skew {
			return warn(fmt.Sprintf("the clock of the API server and of this machine differ by %s", off.Round(time.Second)), "set both by NTP: ages and deadlines are judged by them")
		}
		return ok("the clock of the API server agrees with that of this machine")
	}},
	{"cluster", "nodes", []Look{LookNodes}, nodes},
	{"cluster", "namespaces", []Look{LookSpaces}, func(s *Seen) (all []Result) {
		for i := range s.Namespaces {
			ns := &s.Namespaces[i]
			if ns.DeletionTimestamp == nil || s.Now.Sub(ns.DeletionTimestamp.Time) < stuck {
				continue
			}
			age := duration.HumanDuration(s.Now.Sub(ns.DeletionTimestamp.Time))
			if ns.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy {
				all = append(all, fail(fmt.Sprintf("sandbox %s has been going for %s", ns.Name, age), "kubectl get namespace "+ns.Name+" -o yaml names what holds it in status.conditions; see that the controller runs")...)
			} else {
				all = append(all, warn(fmt.Sprintf("namespace %s has been going for %s", ns.Name, age), "kubectl get namespace "+ns.Name+" -o yaml names what holds it in status.conditions")...)
			}
		}
		if len(all) == 0 {
			return ok("no namespace is stuck")
		}
		return all
	}},
	{"cluster", "storage class", []Look{LookClasses}, func(s *Seen) []Result {
		if !slices.ContainsFunc(s.Classes, func(c storageClass) bool { return c.Name == names.NoClass }) {
			return fail("StorageClass "+names.NoClass+" is missing", "kubectl apply -f manifests/17-storageclass.yaml")
		}
		for i := range s.Classes {
			if volumes.DefaultClass(&s.Classes[i]) {
				return ok("storage class " + s.Classes[i].Name + " is the default")
			}
		}
		return warn("there is no default storage class", "claims without a class stay unbound in a real restore too; mark one with storageclass.kubernetes.io/is-default-class")
	}},
	{"cluster", "rights", []Look{LookRights}, func(s *Seen) []Result {
		if len(s.Missing) == 0 {
			return ok("you may do all that the verbs need")
		}
		var all []string
		for right, why := range s.Missing {
			all = append(all, right+" ("+why+")")
		}
		slices.Sort(all)
		return warn("you may not "+strings.Join(all, ", "), "ask an administrator for those that you need")
	}},
}

// nodes tells whether anything can run.
func nodes(s *Seen) []Result {
	well, pressed := 0, []string{}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		for _, c := range n.Status.Conditions {
			if slices.Contains([]corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure}, c.Type) && c.Status == corev1.ConditionTrue {
				pressed = append(pressed, n.Name+" ("+string(c.Type)+")")
			}
		}
		if ready(n) && !n.Spec.Unschedulable {
			well++
		}
	}
	switch {
	case well == 0:
		return fail(fmt.Sprintf("none of %d nodes is ready and takes pods", len(s.Nodes)), "kubectl get nodes; restored pods come last and need room")
	case len(pressed) > 0:
		slices.Sort(pressed)
		return warn("nodes are short of what pods need: "+strings.Join(pressed, ", "), "free some: restored pods are the first to go")
	case well < len(s.Nodes):
		return warn(fmt.Sprintf("%d of %d nodes are not ready, or take no pods", len(s.Nodes)-well, len(s.Nodes)), "kubectl get nodes")
	}
	return ok(fmt.Sprintf("%d nodes are ready", well))
}
