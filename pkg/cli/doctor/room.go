package doctor

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Request is what pods ask for: CPU in thousandths, memory in bytes.
type Request struct{ CPU, Memory int64 }

func (r Request) plus(o Request) Request { return Request{r.CPU + o.CPU, r.Memory + o.Memory} }

func (r Request) fits(free Request) bool { return r.CPU <= free.CPU && r.Memory <= free.Memory }

func (r Request) String() string {
	return "cpu " + resource.NewMilliQuantity(r.CPU, resource.DecimalSI).String() + " and memory " + resource.NewQuantity(r.Memory, resource.BinarySI).String()
}

// Load is what the pods of a cluster ask for.
type Load struct {
	// Nodes is what is asked of each, by name.
	Nodes map[string]Request
	// Namespaces is what a restore of each would ask for, pod by pod.
	Namespaces map[string][]Request
}

var ofRoom = []check{
	{"tests", "quota", []Look{LookTests, LookPods, LookWorkloads}, each(func(s *Seen, rt *v1alpha1.RestoreTest) (all []Result) {
		given := rt.Spec.Sandbox.ResourceQuota
		for _, source := range rt.Spec.BackupSource.Namespaces {
			want := sum(s.Load.Namespaces[source.Name])
			for _, q := range []struct {
				name, flag string
				given      v1alpha1.Quantity
				want       *resource.Quantity
			}{
				{"cpu", "--max-sandbox-cpu", given.CPU, resource.NewMilliQuantity(want.CPU, resource.DecimalSI)},
				{"memory", "--max-sandbox-memory", given.Memory, resource.NewQuantity(want.Memory, resource.BinarySI)},
			} {
				limit, field := string(q.given), "spec.sandbox.resourceQuota."+q.name
				if limit == "" {
					limit, field = s.flag(q.flag), "the controller's "+q.flag
				}
				if allowed, err := resource.ParseQuantity(limit); err == nil && !allowed.IsZero() && q.want.Cmp(allowed) > 0 {
					all = append(all, warn(fmt.Sprintf("test %s: the pods of namespace %s request %s %s, and its sandbox allows %s", nameOf(rt), source.Name, q.name, q.want, limit),
						"raise "+field+": the quota refuses what is more, and the run shows nothing")...)
				}
			}
		}
		return all
	}, "every sandbox may request what production does")},
	{"tests", "room", []Look{LookTests, LookPods, LookNodes}, func(s *Seen) []Result {
		free := s.free()
		if len(free) == 0 { // said of the nodes
			return nil
		}
		return each(func(s *Seen, rt *v1alpha1.RestoreTest) []Result { return room(s, rt, free) }, "the nodes have room for every restore")(s)
	}},
}

// room tells whether the pods of production would fit into what the nodes have left.
func room(s *Seen, rt *v1alpha1.RestoreTest, free []Request) (all []Result) {
	const remedy = "free some, or add a node: restored pods come last, and drive nobody out"
	for _, source := range rt.Spec.BackupSource.Namespaces {
		pods := s.Load.Namespaces[source.Name]
		large := slices.IndexFunc(pods, func(pod Request) bool { return !slices.ContainsFunc(free, pod.fits) })
		switch {
		case large >= 0:
			all = append(all, warn(fmt.Sprintf("test %s: no node has room for a pod of namespace %s that requests %s", nameOf(rt), source.Name, pods[large]), remedy)...)
		case !sum(pods).fits(sum(free)):
			all = append(all, warn(fmt.Sprintf("test %s: the nodes have %s left, and the pods of namespace %s request %s", nameOf(rt), sum(free), source.Name, sum(pods)), remedy)...)
		}
	}
	return all
}

func sum(all []Request) (total Request) {
	for _, r := range all {
		total = total.plus(r)
	}
	return total
}

// free returns what each node that takes pods has left.
func (s *Seen) free() (all []Request) {
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if !ready(n) || n.Spec.Unschedulable {
			continue
		}
		used := s.Load.Nodes[n.Name]
		all = append(all, Request{n.Status.Allocatable.Cpu().MilliValue() - used.CPU, n.Status.Allocatable.Memory().Value() - used.Memory})
	}
	return all
}

func ready(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// flag returns the value of a flag of the controller; "" if it is not given.
func (s *Seen) flag(name string) string {
	d := s.Deployments[s.System+"/kymaros-controller"]
	if d == nil {
		return ""
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		for _, arg := range container.Args {
			if value, ok := strings.CutPrefix(arg, name+"="); ok {
				return value
			}
		}
	}
	return ""
}
