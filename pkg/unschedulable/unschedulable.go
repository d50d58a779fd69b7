// Package unschedulable reads why the scheduler finds no node for a pod. It is pure. The scheduler says so in words only, in the
// message of the condition PodScheduled: a count of nodes for each rule that kept the pod off them.
package unschedulable

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// crowded finds what pods of others on the nodes cause.
var crowded = regexp.MustCompile(`didn't match pod anti-affinity rules|didn't satisfy existing pods anti-affinity rules|` +
	`didn't match pod topology spread constraints(?: \(missing required label\))?|Insufficient [a-zA-Z0-9./_-]*[a-zA-Z0-9]|Too many pods|` +
	`exceed max volume count|did not have enough free storage`)

// Crowded returns the rules by which other pods keep a pod off the nodes, sorted, with a comma between; empty if none does. The
// scheduler would find room for the same pod if those of production were gone, as they are when a backup is needed.
func Crowded(message string) string {
	var rules []string
	for _, rule := range crowded.FindAllString(message, -1) {
		if !strings.HasSuffix(rule, ")") { // nodes without the label are no matter of pods
			rules = append(rules, rule)
		}
	}
	return joined(rules)
}

func joined(rules []string) string {
	slices.Sort(rules)
	return strings.Join(slices.Compact(rules), ", ")
}

var (
	// passingTaint finds taints that come and go with the state of a node, by the names that Kubernetes, its autoscalers and network
	// plugins give them.
	passingTaint = regexp.MustCompile(`had untolerated taint \{(?:node\.kubernetes\.io/|node\.cloudprovider\.kubernetes\.io/|` +
		`[^:}]*not-ready: |ToBeDeletedByClusterAutoscaler: |karpenter\.sh/(?:disrupt|unregistered))[^}]*\}`)
	// passing finds those, a cordon, and taints of which it is not told which: Kubernetes names none from 1.34 on.
	passing = regexp.MustCompile(passingTaint.String() + `|had untolerated taint\(s\)|were unschedulable`)
)

// Passing returns the rules by which nodes take no pods that may take them again, sorted, with a comma between; empty if there are
// none: nodes that are cordoned, not ready, under pressure, or about to go. The scheduler looks no further at such a node, so it may
// be the one that fits, whatever it says of others; and the pods of production run on, so nothing else shows.
func Passing(message string) string {
	return joined(passing.FindAllString(message, -1))
}

var (
	nodesAvailable = regexp.MustCompile(`^0/(\d+) nodes are available: `)
	nodesRefused   = regexp.MustCompile(`(\d+) node\(s\) (didn't match Pod's node affinity/selector|had untolerated taint)`)
)

// NoNode tells whether each node is none of those that the pod names, or kept for other pods: as far as is told, see Passing. Whatever
// the message says of a single node beside that, such as too little memory, may pass.
func NoNode(message string) bool {
	total := nodesAvailable.FindStringSubmatch(message)
	if total == nil || passingTaint.MatchString(message) || !strings.Contains(message, "didn't match Pod's node affinity/selector") {
		return false
	}
	message, _, _ = strings.Cut(message, " preemption: ")
	refused := 0
	for _, m := range nodesRefused.FindAllStringSubmatch(message, -1) {
		n, _ := strconv.Atoi(m[1]) // it is digits
		refused += n
	}
	want, _ := strconv.Atoi(total[1])
	return want > 0 && refused >= want
}
